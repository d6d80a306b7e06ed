"""Bulk data for tests of plans, inserted at once and without triggers."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

_ACCOUNTS = """
    insert into auth.users (id, email)
    select ('00000000-0000-4000-9000-' || lpad(to_hex(n), 12, '0'))::uuid, n || '@example.org'
    from generate_series(1, :accounts) as n
"""
_POSTS = """
    insert into public.social_feed_posts (author_id, content, is_public, created_at)
    select
        ('00000000-0000-4000-9000-' || lpad(to_hex(1 + n % :accounts), 12, '0'))::uuid,
        'Post ' || n,
        n % 10 <> 0,
        timestamptz '2025-01-01' + n / 2 * interval '1 second'
    from generate_series(1, :posts) as n
"""
_PROFILES = """
    insert into public.profiles (id, stage, industry)
    select u.id, 'stage ' || ascii(u.email) % 5, 'industry ' || ascii(u.email) % 3
    from auth.users as u
"""
_CONSENTS = """
    insert into public.consent_preferences (user_id, category, enabled)
    select p.id, 'benchmarks', row_number() over () % :share = 0
    from public.profiles as p
"""
_SCORES = """
    insert into public.investor_readiness_scores (user_id, overall_score, created_at)
    select p.id, (10 * n + 7) % 100, timestamptz '2025-01-01' + n * interval '1 day'
    from generate_series(1, 3) as n, public.profiles as p
"""


def account(number: int) -> UUID:
    """Return the key of one of the accounts, counted from 1."""
    return UUID(f"00000000-0000-4000-9000-{number:012x}")


def _load(connection: Connection, *statements: str, **sizes: int) -> None:
    connection.execute(text("set local session_replication_role = replica"))
    for statement in statements:
        connection.execute(text(statement), sizes)
    connection.execute(text("set local session_replication_role = origin"))


def insert_authors_with_posts(connection: Connection, posts: int, accounts: int = 50) -> None:
    """Insert accounts with posts, every tenth of them private, two of each time."""
    _load(connection, _ACCOUNTS, _POSTS, accounts=accounts, posts=posts)


def insert_founders_with_scores(connection: Connection, accounts: int, share: int) -> None:
    """Insert accounts with profiles and three scores each, of which one in ``share`` consents."""
    _load(connection, _ACCOUNTS, _PROFILES, _CONSENTS, _SCORES, accounts=accounts, share=share)
