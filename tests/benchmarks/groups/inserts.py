"""What inserts cost a user: in one statement, of a list, in a batch of the driver, one by one.

Each is compared with the same as the tables' owner without the triggers of townhall, and with the
same by hand, which also checks and sets what policies and triggers do. In one statement it is
compared with the bare table as well, which has no foreign keys either. What is inserted was
computed before; each turn is rolled back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, insert, text

from tests.benchmarks.frame import Measurement, Side, Taken
from tests.benchmarks.groups import by_hand
from tests.benchmarks.groups.by_hand import ByHand
from tests.benchmarks.groups.reads_data import EVENT, ORGANIZER, READER
from townhall import Base
from townhall.session.actor import Actor
from townhall.testing import acting

_GOAL = 1.5
_WITH_COUNTER = 3.0
_IN_A_BATCH, _ONE_BY_ONE = 500, 200

_OVER_BY_HAND = 1.3

# Why each statement of a user takes longer, and what the bare table leaves out.
_LOOKS_UP = "the policy looks up the event of each row"
_LOOKS_UP_TWICE = "a trigger and the policy look up the event of each row"
_EVALUATES = "the policy is prepared for each statement"
_COUNTS = "each row writes the counter of its post"
_REFERS = "foreign keys look up a row for each"
_PREPARES = "the policy and the triggers are prepared for each statement"

# The second also leaves out foreign keys, which are triggers of PostgreSQL's own.
_TRIGGERS = "alter table public.{table} disable trigger user"
_EVERYTHING = "set local session_replication_role = replica"
_BARE = "the bare table"
_BESIDE = {_TRIGGERS: "without policies and triggers", _EVERYTHING: _BARE}

_CLAIM = """
    select
        set_config('request.jwt.claims', %s, true),
        set_config('request.jwt.claim.sub', %s, true)
"""

_PUBLIC_POSTS = f"""
    from public.social_feed_posts as p
    where p.is_public
        and p.author_id <> '{READER}'
        and not exists (
            select from public.social_feed_reactions as r
            where r.post_id = p.id and r.user_id = '{READER}'
        )
    limit :rows
"""
_UNPLACED = "from public.participants as p where p.email like '%@unplaced'"


@dataclass(frozen=True)
class Insert:
    """Rows that a user inserts.

    Attributes:
        name: What they are.
        table: The table.
        user: The user.
        rows: A query of ``:rows`` rows, whose columns are those that are written.
        by_hand: What its policy checks and its triggers set.
        filled: A column of them that a trigger fills, so that the user leaves it out.
        null: A column for which the user gives null, and a trigger sets it.
        goal: How many times as long it may take in one statement as without policies and triggers.
        why: Why a statement takes longer than without them.
    """

    name: str
    table: str
    user: UUID
    rows: str
    by_hand: ByHand
    filled: str | None = None
    null: str | None = None
    goal: float = _GOAL
    why: str = ""


INSERTS = (
    Insert(
        "participants",
        "participants",
        ORGANIZER,
        f"""
        select '{EVENT}'::uuid as event_id, n || '@guests' as email, false as networking_opt_in
        from generate_series(1, :rows) as n
        """,
        by_hand.PARTICIPANTS,
        why=_LOOKS_UP,
    ),
    Insert(
        "participants whose opt-in is null",
        "participants",
        ORGANIZER,
        f"""
        select '{EVENT}'::uuid as event_id, n || '@guests' as email, false as networking_opt_in
        from generate_series(1, :rows) as n
        """,
        by_hand.WITHOUT_ANSWER,
        null="networking_opt_in",
        why=_LOOKS_UP_TWICE,
    ),
    Insert(
        "seats",
        "table_assignments",
        ORGANIZER,
        f"""
        select
            p.event_id,
            p.id as participant_id,
            row_number() over ()::integer as table_number,
            1 as seat_number
        {_UNPLACED}
        """,
        by_hand.PARTICIPANTS,
        why=_LOOKS_UP,
    ),
    Insert(
        "placements in a track",
        "participant_tracks",
        ORGANIZER,
        """
        select p.event_id, p.id as participant_id, t.id as track_id
        from public.participants as p
        join public.tracks as t on t.event_id = p.event_id and t.name = 'Track 0'
        where p.email like '%@unplaced'
        """,
        by_hand.PLACEMENTS,
        filled="event_id",
        why=_LOOKS_UP_TWICE,
    ),
    Insert(
        "posts",
        "social_feed_posts",
        READER,
        f"""
        select '{READER}'::uuid as author_id, 'Post ' || n as content
        from generate_series(1, :rows) as n
        """,
        by_hand.POSTS,
        why=_EVALUATES,
    ),
    Insert(
        "reactions to as many posts",
        "social_feed_reactions",
        READER,
        f"select p.id as post_id, '{READER}'::uuid as user_id {_PUBLIC_POSTS}",
        by_hand.REACTIONS,
        goal=_WITH_COUNTER,
        why=_COUNTS,
    ),
    Insert(
        "comments on as many posts",
        "social_feed_comments",
        READER,
        f"""
        select p.id as post_id, '{READER}'::uuid as author_id, 'Comment' as content
        {_PUBLIC_POSTS}
        """,
        by_hand.COMMENTS,
        goal=_WITH_COUNTER,
        why=_COUNTS,
    ),
    Insert(
        "messages",
        "founder_messages",
        READER,
        f"""
        select '{READER}'::uuid as sender_id, u.id as recipient_id, 'Message' as content
        from auth.users as u, generate_series(1, :rows) as n
        where u.id <> '{READER}'
        limit :rows
        """,
        by_hand.MESSAGES,
        why=_EVALUATES,
    ),
)


class _Rows(NamedTuple):
    """Rows as one of the sides writes them.

    Attributes:
        table: The table.
        columns: The columns.
        values: Their values.
        whole: The statement that writes all rows of the source.
        single: The statement that writes one row.
    """

    table: str
    columns: Sequence[str]
    values: Sequence[tuple[Any, ...]]
    whole: str
    single: str


_Run = Callable[[Connection, _Rows], int]
"""Inserts rows, and returns how many."""


def prepare(connection: Connection, rows: int) -> None:
    """Add what the inserts refer to, and compute what they insert.

    Args:
        connection: A connection as a superuser to a database that is filled.
        rows: How many rows are inserted in one statement.
    """
    connection.execute(
        text(
            f"""
            insert into public.participants (event_id, email)
            select '{EVENT}', n || '@unplaced' from generate_series(1, :rows) as n
            """
        ),
        {"rows": rows},
    )
    connection.exec_driver_sql("create schema bench")
    connection.exec_driver_sql("grant usage on schema bench to authenticated")
    for number, each in enumerate(INSERTS):
        source = f"bench.rows_{number}"
        connection.execute(text(f"create table {source} as {each.rows}"), {"rows": rows})
        connection.exec_driver_sql(f"grant select on {source} to authenticated")
    connection.exec_driver_sql("analyze")


def measurements(connection: Connection) -> Iterable[Measurement]:
    """Yield what is measured on a database that is prepared."""
    for number, each in enumerate(INSERTS):
        yield from _measurements(connection, each, f"bench.rows_{number}")


def _measurements(connection: Connection, each: Insert, source: str) -> Iterable[Measurement]:
    found = _found(connection, source)
    of_user, of_owner = _of_user(each, source, found), _of_owner(each, source, found)
    with_hand = _with_hand(each, source, found)
    for how, run, goal in (
        ("one statement", _at_once, each.goal),
        ("a list", _as_list, each.goal),
        ("a batch", _in_a_batch, _GOAL),
        ("one by one", _one_by_one, _GOAL),
    ):
        name, ours = f"{each.name}, {how}", _user_side(connection, each, run, of_user)
        without = _owner_side(connection, run, of_owner, _TRIGGERS)
        yield Measurement(name, ours, without, _BESIDE[_TRIGGERS], goal, each.why)
        if run is not _as_list:
            hand = _hand_side(connection, each, run, with_hand)
            yield Measurement(name, ours, hand, "the same by hand", _OVER_BY_HAND, _PREPARES)
        if run is _at_once:
            bare = _owner_side(connection, run, of_owner, _EVERYTHING)
            yield Measurement(name, ours, bare, _BARE, goal, _of_bare(each))
            yield Measurement(f"{name}, with foreign keys alone", without, bare, _BARE)


def _of_bare(each: Insert) -> str:
    """Say why it takes longer than in the bare table: a policy is prepared once for all rows."""
    return ", and ".join(text for text in (_REFERS, each.why) if text not in {"", _EVALUATES})


class _Found(NamedTuple):
    """The rows of a source.

    Attributes:
        types: The type of each column by its name.
        values: The first rows.
    """

    types: dict[str, str]
    values: Sequence[tuple[Any, ...]]


def _found(connection: Connection, source: str) -> _Found:
    with connection.begin():
        types = connection.exec_driver_sql(
            "select attname, format_type(atttypid, atttypmod) from pg_attribute"
            f" where attrelid = '{source}'::regclass and attnum > 0 order by attnum"
        )
        values = connection.exec_driver_sql(f"select * from {source} limit {_IN_A_BATCH}")
        return _Found(
            {row.attname: row.format_type for row in types}, [tuple(each) for each in values]
        )


def _of_user(each: Insert, source: str, found: _Found) -> _Rows:
    given = _given(each, found)
    selected = ["null" if name == each.null else name for name in given]
    return _plain(each, source, given, selected, _values(each, found))


def _of_owner(each: Insert, source: str, found: _Found) -> _Rows:
    names = list(found.types)
    return _plain(each, source, names, names, found.values)


def _with_hand(each: Insert, source: str, found: _Found) -> _Rows:
    names, given = list(found.types), _given(each, found)
    places = ", ".join(f"%s::{found.types[name]}" for name in given)
    row = f"(values ({places})) as v ({', '.join(given)})"
    statements = (
        each.by_hand.statement(each.table, names, source) for source in (f"{source} as v", row)
    )
    return _Rows(each.table, given, _values(each, found), *statements)


def _given(each: Insert, found: _Found) -> list[str]:
    return [name for name in found.types if name != each.filled]


def _values(each: Insert, found: _Found) -> Sequence[tuple[Any, ...]]:
    return [
        tuple(
            None if name == each.null else value
            for name, value in zip(found.types, row, strict=True)
            if name != each.filled
        )
        for row in found.values
    ]


def _plain(
    each: Insert,
    source: str,
    names: Sequence[str],
    selected: Sequence[str],
    values: Sequence[tuple[Any, ...]],
) -> _Rows:
    into = f"insert into public.{each.table} ({', '.join(names)})"
    places = ", ".join(["%s"] * len(names))
    return _Rows(
        each.table,
        names,
        values,
        f"{into} select {', '.join(selected)} from {source}",
        f"{into} values ({places})",
    )


def _user_side(connection: Connection, each: Insert, run: _Run, rows: _Rows) -> Side:
    def side() -> Taken:
        with connection.begin() as transaction:
            with acting(connection, Actor.user(each.user)):
                taken = _taken(connection, run, rows)
            transaction.rollback()
        return taken

    return side


def _owner_side(connection: Connection, run: _Run, rows: _Rows, without: str) -> Side:
    def side() -> Taken:
        with connection.begin() as transaction:
            connection.exec_driver_sql(without.format(table=rows.table))
            taken = _taken(connection, run, rows)
            transaction.rollback()
        return taken

    return side


def _hand_side(connection: Connection, each: Insert, run: _Run, rows: _Rows) -> Side:
    actor = Actor.user(each.user)

    def side() -> Taken:
        with connection.begin() as transaction:
            connection.exec_driver_sql(_TRIGGERS.format(table=rows.table))
            connection.exec_driver_sql(_CLAIM, (actor.claims, actor.user_id))
            taken = _taken(connection, run, rows)
            transaction.rollback()
        return taken

    return side


def _taken(connection: Connection, run: _Run, rows: _Rows) -> Taken:
    begin = time.perf_counter()
    count = run(connection, rows)
    return Taken(time.perf_counter() - begin, count)


def _at_once(connection: Connection, rows: _Rows) -> int:
    return connection.exec_driver_sql(rows.whole).rowcount


def _as_list(connection: Connection, rows: _Rows) -> int:
    parameters = [dict(zip(rows.columns, each, strict=True)) for each in rows.values]
    connection.execute(insert(Base.metadata.tables[rows.table]), parameters)
    return len(parameters)


def _in_a_batch(connection: Connection, rows: _Rows) -> int:
    connection.exec_driver_sql(rows.single, list(rows.values))
    return len(rows.values)


def _one_by_one(connection: Connection, rows: _Rows) -> int:
    values = rows.values[:_ONE_BY_ONE]
    for each in values:
        connection.exec_driver_sql(rows.single, each)
    return len(values)
