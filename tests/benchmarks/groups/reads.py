"""Reads as a user, beside the same rows asked for with the condition written out.

Row level security holds for one side and not for the other, which is a superuser's. What a policy
costs by itself is measured by the shortest ones that permit the same rows, of another role.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Engine, create_engine

from tests.benchmarks.frame import Bench, Comparisons, Measurement, Side, Taken
from tests.benchmarks.groups.literal import literal
from tests.benchmarks.groups.reads_data import (
    BUSY_POST,
    COACH,
    EVENT,
    LARGE_EVENT,
    ORGANIZER,
    READER,
    TENANT,
    fill,
)
from townhall.base import asking_for
from townhall.domains.coaching import newest_usage
from townhall.domains.community import SocialFeedPost, feed_page
from townhall.domains.events import participants_of, track_statistics_of
from townhall.migrate import upgrade
from townhall.testing import acting

_READABLE = f"(p.is_public or p.author_id = '{READER}')"
_POST = f"exists (select from social_feed_posts as p where p.id = '{BUSY_POST}' and {_READABLE})"
_MY_EVENTS = f"""array(
    select e.id
    from events as e
    join organization_members as m on m.organization_id = e.organization_id
    where m.user_id = '{ORGANIZER}'
)"""
_IS_MINE = f"""exists (
    select
    from events as e
    join organization_members as m on m.organization_id = e.organization_id
    where e.id = '{{event}}' and m.user_id = '{ORGANIZER}'
)"""
_PER_ROW = "the post is looked up for each comment"
_COMPARED = "each comment is compared with the post that was looked up once"
_OWN_ROWS = "the caller's rows in events of others are looked for too"
_THREE_RULES = "each of three tables has a policy"
_NESTED = "an array is planned as ten ids, so that rows are joined one by one"
_WITHOUT_NESTED = "set local enable_nestloop = off"
# What a statement asks for holds for its transaction, and the others are not to have it.
_IN_ITS_OWN_TRANSACTION = "set local application_name = 'asking'"
_SHORTEST = "the shortest policy"
_POLICIES = (
    "grant select on all tables in schema public to anon",
    f"""
    create policy bench on social_feed_posts for select to anon
    using (is_public or author_id = '{READER}')
    """,
    """
    create policy bench on social_feed_comments for select to anon
    using (
        exists (select from social_feed_posts as p where p.id = post_id offset 0)
    )
    """,
    "create policy bench on events for select to anon using (true)",
    "create policy bench on organization_members for select to anon using (true)",
    f"""
    create policy bench on participants for select to anon
    using (
        exists (
            select
            from events as e
            join organization_members as m on m.organization_id = e.organization_id
            where e.id = event_id and m.user_id = '{ORGANIZER}'
            offset 0
        )
    )
    """,
)
"""Policies that look up the same as ours, of one reader, and know of no other way to be one."""
_NEWEST_USAGE = """
    select * from usage_events where {condition} order by created_at desc limit 50
"""


class _Read(NamedTuple):
    """A query of a user, and the same by hand; both name the rows by their first column.

    Before that of the user the statement ``setting`` is run, if there is one. With a floor it is
    compared with the same query by the shortest policies too.
    """

    name: str
    reader: UUID
    ours: str
    by_hand: str
    goal: float
    beside: str = "by hand"
    both_as_user: bool = False
    why: str = ""
    setting: str = ""
    has_floor: bool = False


def _below(table: str, rest: str = "", columns: str = "*") -> tuple[str, str]:
    """Return the query of the rows below the busy post, and the same by hand."""
    query = f"select {columns} from {table} where post_id = '{BUSY_POST}'"
    return f"{query} {rest}", f"{query} and {_POST} {rest}"


def _asking(queries: tuple[str, str]) -> tuple[str, str]:
    """Have the query of the two that is ours ask for the busy post."""
    ours, by_hand = queries
    return f"{ours} and {literal(asking_for(SocialFeedPost.id, BUSY_POST))}", by_hand


def _of_event(table: str, event: UUID) -> tuple[str, str]:
    query = f"select * from {table} where event_id = '{event}'"
    return query, f"{query} and {_IS_MINE.format(event=event)}"


def _reads() -> Iterator[_Read]:
    comments, reactions = "social_feed_comments", "social_feed_reactions"
    newest = "order by created_at desc limit 50"
    yield _Read(
        "newest 50 comments of a busy post",
        READER,
        *_below(comments, newest),
        1.3,
        has_floor=True,
    )
    count = _below(comments, columns="count(*)")
    yield _Read(
        "count of a busy post's comments, by `asking_for()`",
        READER,
        *_asking(count),
        1.5,
        why=_COMPARED,
        setting=_IN_ITS_OWN_TRANSACTION,
    )
    yield _Read(
        "count of a busy post's comments without `asking_for()`",
        READER,
        *count,
        1.5,
        why=_PER_ROW,
        has_floor=True,
    )
    yield _Read("all comments of a busy post", READER, *_below(comments), 1.5, why=_PER_ROW)
    yield _Read("all reactions to a busy post", READER, *_below(reactions), 1.5)
    mine = f"select * from {reactions} where user_id = '{READER}'"
    yield _Read("reactions of one's own", READER, mine, mine, 1.5)
    feed = "select * from social_feed_posts order by created_at desc limit 20"
    yield _Read(
        "the feed without a condition",
        READER,
        feed,
        literal(feed_page()),
        2.0,
        "`feed_page()`",
        both_as_user=True,
    )
    post = f"select * from social_feed_posts as p where id = '{BUSY_POST}'"
    yield _Read("one post by its id", READER, post, f"{post} and {_READABLE}", 1.5)
    unread = f"""
        select count(*) from founder_messages where recipient_id = '{READER}' and not is_read
    """
    yield _Read("count of unread messages", READER, unread, unread, 1.5)
    _, participants = _of_event("participants", EVENT)
    by_name = f"{participants} order by last_name, first_name, id"
    yield _Read(
        "participants of one event",
        ORGANIZER,
        literal(participants_of(EVENT)),
        by_name,
        1.3,
        has_floor=True,
    )
    _, statistics = _of_event("track_statistics", EVENT)
    by_size = f"{statistics} order by participant_count desc, track_name"
    yield _Read(
        "statistics of one event",
        ORGANIZER,
        literal(track_statistics_of(EVENT)),
        by_size,
        1.3,
        why=_THREE_RULES,
    )
    large = _of_event("participants", LARGE_EVENT)
    yield _Read("participants of a large event", ORGANIZER, *large, 1.3)
    every = "select count(*) from participants"
    of_events = f"event_id = any ({_MY_EVENTS})"
    by_hand = f"{every} where {of_events}"
    yield _Read(
        "count of all participants of the caller's events",
        ORGANIZER,
        every,
        by_hand,
        1.3,
        why=_OWN_ROWS,
    )
    yield _Read(
        "the same, beside all that the rule permits",
        ORGANIZER,
        every,
        f"{by_hand} or user_id = '{ORGANIZER}'",
        1.3,
    )
    every = "select count(*) from track_statistics"
    of_all = _Read(
        "count of all statistics of the caller's events",
        ORGANIZER,
        every,
        f"{every} where {of_events}",
        1.3,
        why=_NESTED,
    )
    yield of_all
    yield of_all._replace(name="the same without nested loops", why="", setting=_WITHOUT_NESTED)
    named = _NEWEST_USAGE.format(condition=f"tenant_id = '{TENANT}'")
    yield _Read("newest 50 usage events, the tenant named", COACH, named, named, 1.5)
    yield _Read("`newest_usage()`", COACH, literal(newest_usage()), named, 2.0, "the tenant named")
    sessions = f"select * from stakeholder_sessions where user_id = '{COACH}'"
    yield _Read("one's own sessions through an old view", COACH, sessions, sessions, 1.5)


@contextmanager
def _measurements(bench: Bench) -> Iterator[Sequence[Measurement]]:
    with bench.databases.create() as url:
        upgrade(url)
        engine = create_engine(url)
        with engine.begin() as connection:
            fill(connection, bench.rows)
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql("vacuum analyze")
        with engine.begin() as connection:
            for statement in _POLICIES:
                connection.exec_driver_sql(statement)
        with ExitStack() as stack:
            superuser = stack.enter_context(engine.connect())
            other = stack.enter_context(_acting(engine, "anon"))
            readers = {
                (user, setting): stack.enter_context(
                    _acting(engine, "authenticated", user, setting)
                )
                for user, setting in {(each.reader, each.setting) for each in _reads()}
            }
            yield [
                measurement
                for each in _reads()
                for measurement in _of(
                    each, readers[each.reader, each.setting], superuser=superuser, other=other
                )
            ]
        engine.dispose()


@contextmanager
def _acting(
    engine: Engine, role: str, user: UUID | None = None, setting: str = ""
) -> Iterator[Connection]:
    with engine.connect() as connection, acting(connection, role, user):
        if setting:
            connection.exec_driver_sql(setting)
        yield connection


def _of(
    each: _Read, reader: Connection, *, superuser: Connection, other: Connection
) -> Iterator[Measurement]:
    ours = _reading(reader, each.ours)
    by_hand = _reading(reader if each.both_as_user else superuser, each.by_hand)
    yield Measurement(each.name, ours, by_hand, each.beside, each.goal, each.why)
    if each.has_floor:
        shortest = _reading(other, each.ours)
        yield Measurement(f"{each.name}, by {_SHORTEST}", shortest, by_hand, each.beside)
        yield Measurement(each.name, ours, shortest, _SHORTEST, each.goal, each.why)


def _reading(connection: Connection, query: str) -> Side:
    def side() -> Taken:
        begin = time.perf_counter()
        rows = connection.exec_driver_sql(query, execution_options={"no_parameters": True}).all()
        return Taken(time.perf_counter() - begin, {row[0] for row in rows})

    return side


GROUP = Comparisons("reads", _measurements)
