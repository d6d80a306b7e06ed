"""Rows of many founders, and as many of one who reads however many the others have."""

from __future__ import annotations

from sqlalchemy import Connection, text

from tests.benchmarks.groups.reads_data import READER, USER, key, sql_key

_COMMUNITY, _COHORT = 9, 10
COMMUNITY, COHORT = key(_COMMUNITY, 0), key(_COHORT, 0)
"""A private community and a cohort that the reader belongs to."""


def add_founders(connection: Connection, users: int) -> None:
    """Add rows to a database that :func:`tests.benchmarks.groups.reads_data.fill` filled.

    Args:
        connection: A connection as a superuser.
        users: How many users there are. All but the reader have so many rows together, or ten
            times as many; the reader has ten of each kind.
    """
    connection.execute(text("set session_replication_role = replica"))
    for statement in _STATEMENTS:
        connection.execute(text(statement), {"users": users})
    connection.execute(text("set session_replication_role = origin"))


_OTHER = sql_key(USER, "4 + n % (:users - 4)")
_NEXT = sql_key(USER, "4 + (n + 1 + n / (:users - 4)) % (:users - 4)")
_OF_ALL = f"""
    select {_OTHER} as user_id, n from generate_series(0, 10 * (:users - 4) - 1) as n
    union all
    select '{READER}', n from generate_series(0, 9) as n
"""
"""Ten rows for each founder."""
_IN_GROUPS = f"""
    select {{group}} as group_id, {_OTHER} as user_id, n
    from generate_series(0, 10 * (:users - 4) - 1) as n
    union all
    select {{first}}, '{READER}', 0 from generate_series(0, 9) as n
"""
"""Ten members for each group, of which there are as many as founders; the reader is in ten."""


def _members(kind: int) -> str:
    return _IN_GROUPS.format(
        group=sql_key(kind, "n / 10"),
        first=sql_key(kind, "n"),
    )


_STATEMENTS = (
    "insert into public.profiles (id) select u.id from auth.users as u",
    f"""
    insert into public.communities (id, name, slug, is_private, created_by)
    select {sql_key(_COMMUNITY, "n")}, n, n, n % 2 = 0, {_OTHER}
    from generate_series(0, :users - 5) as n
    """,
    f"""
    insert into public.community_members (community_id, user_id)
    select m.group_id, m.user_id from ({_members(_COMMUNITY)}) as m
    """,
    f"""
    insert into public.cohorts (id, name)
    select {sql_key(_COHORT, "n")}, n from generate_series(0, :users - 5) as n
    """,
    f"""
    insert into public.cohort_members (cohort_id, user_id)
    select m.group_id, m.user_id from ({_members(_COHORT)}) as m
    """,
    f"""
    insert into public.founder_connections (requester_id, recipient_id)
    select {_OTHER}, {_NEXT} from generate_series(0, 10 * (:users - 4) - 1) as n
    union all
    select '{READER}', {_OTHER} from generate_series(0, 4) as n
    union all
    select {_OTHER}, '{READER}' from generate_series(5, 9) as n
    """,
    """
    insert into public.community_profiles (user_id, display_name, created_at)
    select p.id, 'Founder', timestamptz '2026-01-01' - random() * interval '1 year'
    from public.profiles as p
    """,
    """
    insert into public.consent_preferences (user_id, category, enabled)
    select p.id, c.category, true
    from public.profiles as p
    cross join unnest('{directory,messaging,social_feed}'::text[]) as c (category)
    """,
    f"""
    insert into public.consent_audit_log (user_id, category, previous_value, new_value)
    select f.user_id, 'messaging', f.n % 2 = 0, f.n % 2 = 1 from ({_OF_ALL}) as f
    """,
    f"""
    insert into public.milestones (id, user_id, title)
    select f.user_id || '-' || f.n, f.user_id, 'Milestone' from ({_OF_ALL}) as f
    """,
    f"""
    insert into public.wizard_sessions (user_id) select f.user_id from ({_OF_ALL}) as f
    """,
)
