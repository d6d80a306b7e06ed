"""What the reads are measured on: rows of other people, and those of a few who read."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, text

_ID = "('00000000-0000-4000-{kind}-' || lpad(to_hex({number}), 12, '0'))::uuid"
USER, _POST, _ORGANIZATION, _EVENT, _PARTICIPANT, _TRACK, _TENANT, _CAMPAIGN = range(1, 9)


def key(kind: int, number: int) -> UUID:
    """Return the key of a row, which are counted from 0 for each kind."""
    return UUID(f"00000000-0000-4000-{0x9000 + kind:x}-{number:012x}")


def sql_key(kind: int, number: str) -> str:
    """Return SQL for the key of a row whose number is an SQL expression."""
    return _ID.format(kind=f"{0x9000 + kind:x}", number=number)


READER = key(USER, 1)
"""The author of 50 posts, who reads and reacts, and has sent and got messages."""
ORGANIZER = key(USER, 2)
"""A member of a tenth of the organizations, which have a tenth of the events."""
COACH = key(USER, 3)
"""The owner of a small tenant, all of whose events are older than those of the others."""
BUSY_POST = key(_POST, 0)
"""A public post with as many comments and reactions as there are users."""
EVENT, LARGE_EVENT = key(_EVENT, 0), key(_EVENT, 10)
"""An event of the organizer's with few participants, and one with as many as there are users."""
ORGANIZATION = key(_ORGANIZATION, 0)
"""The organization of the first event."""
TENANT = key(_TENANT, 0)


def fill(connection: Connection, rows: int) -> None:
    """Fill a migrated database, without triggers.

    Args:
        connection: A connection as a superuser.
        rows: The number of posts and of usage events. There are a hundredth as many users, events
            and organizations in proportion.
    """
    sizes = {"rows": rows, "users": max(rows // 100, 20), "events": max(rows // 50, 20)}
    connection.execute(text("set session_replication_role = replica"))
    for statement in _STATEMENTS:
        connection.execute(text(statement), sizes)
    connection.execute(text("set session_replication_role = origin"))
    connection.execute(text("analyze"))


_STATEMENTS = (
    f"""
    insert into auth.users (id, email)
    select {sql_key(USER, "n")}, n || '@example.org'
    from generate_series(0, cast(:users as integer)) as n
    """,
    # A tenth is public; those of the reader are among the newest.
    f"""
    insert into public.social_feed_posts (id, author_id, content, is_public, created_at)
    select
        {sql_key(_POST, "n")},
        case when n % 1000 < 50 and n < 1000 then '{READER}'
            else {sql_key(USER, "4 + n % (:users - 4)")} end,
        'Post',
        n % 10 = 0,
        timestamptz '2026-06-01' - n * interval '1 minute'
    from generate_series(0, :rows - 1) as n
    """,
    f"""
    insert into public.social_feed_comments (post_id, author_id, content, created_at)
    select
        case when n < :users then '{BUSY_POST}' else {sql_key(_POST, "n * 7 % :rows")} end,
        {sql_key(USER, "4 + n % (:users - 4)")},
        'Comment',
        timestamptz '2026-06-01' - n * interval '1 minute'
    from generate_series(0, :users + :rows / 5) as n
    """,
    f"""
    insert into public.social_feed_reactions (post_id, user_id, created_at)
    select
        case when n < :users then '{BUSY_POST}' else {sql_key(_POST, "n * 7 % :rows")} end,
        {sql_key(USER, "n % :users")},
        timestamptz '2026-06-01' - n * interval '1 minute'
    from generate_series(0, :users + :rows / 2) as n
    on conflict do nothing
    """,
    f"""
    insert into public.organizations (id, name, slug)
    select {sql_key(_ORGANIZATION, "n")}, n, n from generate_series(0, :events / 10 - 1) as n
    """,
    f"""
    insert into public.organization_members (organization_id, user_id, role)
    select {sql_key(_ORGANIZATION, "n * 10")}, '{ORGANIZER}', 'owner'
    from generate_series(0, :events / 100) as n
    where n * 10 < :events / 10
    """,
    f"""
    insert into public.organization_members (organization_id, user_id, role)
    select {sql_key(_ORGANIZATION, "n")}, {sql_key(USER, "4 + n % (:users - 4)")}, 'owner'
    from generate_series(0, :events / 10 - 1) as n
    """,
    f"""
    insert into public.events (id, organization_id, name)
    select {sql_key(_EVENT, "n")}, {sql_key(_ORGANIZATION, "n % (:events / 10)")}, n
    from generate_series(0, :events - 1) as n
    """,
    f"""
    insert into public.participants (id, event_id, user_id, first_name)
    select
        {sql_key(_PARTICIPANT, "n")},
        case when n < :users then '{LARGE_EVENT}' else {sql_key(_EVENT, "n % :events")} end,
        case when n % 10 = 0 then {sql_key(USER, "4 + n % (:users - 4)")} end,
        'Guest'
    from generate_series(0, :rows / 4) as n
    """,
    f"""
    insert into public.tracks (id, event_id, name)
    select {sql_key(_TRACK, "n")}, {sql_key(_EVENT, "n / 3")}, 'Track ' || n % 3
    from generate_series(0, 3 * :events - 1) as n
    """,
    """
    insert into public.participant_tracks (event_id, participant_id, track_id)
    select p.event_id, p.id, t.id
    from public.participants as p
    join public.tracks as t on t.event_id = p.event_id and t.name = 'Track 0'
    """,
    """
    insert into public.table_assignments (event_id, participant_id, table_number)
    select p.event_id, p.id, 1 from public.participants as p
    """,
    f"""
    insert into public.tenant_profiles (id, slug, display_name, user_id)
    select
        {sql_key(_TENANT, "n")},
        'bench-' || n,
        'Tenant',
        case n when 0 then '{COACH}' else {sql_key(USER, "4 + n % (:users - 4)")} end
    from generate_series(0, 100) as n
    """,
    f"""
    insert into public.usage_events (tenant_id, event_type, created_at)
    select
        {sql_key(_TENANT, "1 + n % 100")},
        'chat',
        timestamptz '2026-01-01' + n * interval '1 minute'
    from generate_series(0, :rows - 1) as n
    union all
    select '{TENANT}', 'chat', timestamptz '2025-01-01' + n * interval '1 minute'
    from generate_series(1, 1000) as n
    """,
    f"""
    insert into public.campaigns (id, name, tenant_id)
    select {sql_key(_CAMPAIGN, "n")}, 'Campaign', {sql_key(_TENANT, "n")}
    from generate_series(0, 100) as n
    """,
    f"""
    insert into public.participant_sessions (campaign_id, tenant_id, user_id)
    select
        {sql_key(_CAMPAIGN, "n % 101")},
        {sql_key(_TENANT, "n % 101")},
        {sql_key(USER, "1 + n % (:users - 1)")}
    from generate_series(0, :rows / 10) as n
    """,
    f"""
    insert into public.founder_messages (sender_id, recipient_id, content, created_at)
    select
        case when n % 1000 = 0 then '{READER}' else {sql_key(USER, "4 + n % (:users - 4)")} end,
        case when n % 1000 = 1 then '{READER}' else {sql_key(USER, "4 + n * 7 % (:users - 4)")} end,
        'Message',
        timestamptz '2026-06-01' - n * interval '1 minute'
    from generate_series(0, :rows / 5) as n
    """,
)
