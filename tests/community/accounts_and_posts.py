"""Accounts, their posts, and a check of the counters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, text

from townhall import SocialFeedPost
from townhall.testing import managing_accounts

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Connection

_SIGN_UP = text(
    """
    insert into auth.users (id, email)
    select a.id, a.id || '@example.org'
    from (select gen_random_uuid() as id from generate_series(1, :number)) as a
    returning id
    """
)
_MISCOUNTED = text(
    """
    select
        p.id,
        p.reaction_count,
        count(distinct r.id) as reactions,
        p.comment_count,
        count(distinct c.id) as comments
    from public.social_feed_posts as p
    left join public.social_feed_reactions as r on r.post_id = p.id
    left join public.social_feed_comments as c on c.post_id = p.id
    group by p.id
    having
        (p.reaction_count, p.comment_count)
            is distinct from (count(distinct r.id), count(distinct c.id))
    """
)


def create_accounts(connection: Connection, number: int) -> list[UUID]:
    """Create accounts, and return their keys."""
    with managing_accounts(connection):
        return list(connection.scalars(_SIGN_UP, {"number": number}))


def create_posts(connection: Connection, author: UUID, number: int) -> list[UUID]:
    """Create public posts of an author, and return their keys."""
    found = connection.scalars(
        insert(SocialFeedPost).returning(SocialFeedPost.id),
        [{"author_id": author, "content": f"Post {each}"} for each in range(number)],
    )
    return list(found)


def posts_with_wrong_counters(connection: Connection) -> list[tuple[object, ...]]:
    """Return the posts whose counters differ from the numbers of their rows."""
    return [tuple(row) for row in connection.execute(_MISCOUNTED)]
