"""What inserts cost a user: in one statement, in a batch of the driver, and one by one.

Each is compared with the same as the tables' owner without the triggers of townhall, and in one
statement also with the bare table, which has no foreign keys either. What is inserted was computed
before; each turn is rolled back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, text

from tests.benchmarks.frame import Measurement, Side, Taken
from tests.benchmarks.groups.reads_data import EVENT, ORGANIZER, READER
from townhall.session.actor import Actor
from townhall.testing import acting

_GOAL = 1.5
_WITH_COUNTER = 3.0
_IN_A_BATCH, _ONE_BY_ONE = 500, 200

# Why each statement of a user takes longer, and what the bare table leaves out.
_LOOKS_UP = "the policy looks up the event of each row"
_EVALUATES = "the policy is prepared for each statement"
_COUNTS = "each row writes the counter of its post"
_REFERS = "foreign keys look up a row for each"

# The second also leaves out foreign keys, which are triggers of PostgreSQL's own.
_TRIGGERS = "alter table public.{table} disable trigger user"
_EVERYTHING = "set local session_replication_role = replica"
_BESIDE = {_TRIGGERS: "without policies and triggers", _EVERYTHING: "the bare table"}

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
        filled: A column of them that a trigger fills, so that the user leaves it out.
        null: A column for which the user gives null, and a trigger sets it.
        goal: How many times as long it may take in one statement as without policies and triggers.
        why: Why a statement takes longer than without them.
    """

    name: str
    table: str
    user: UUID
    rows: str
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
        null="networking_opt_in",
        why=_LOOKS_UP,
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
        filled="event_id",
        why=_LOOKS_UP,
    ),
    Insert(
        "posts",
        "social_feed_posts",
        READER,
        f"""
        select '{READER}'::uuid as author_id, 'Post ' || n as content
        from generate_series(1, :rows) as n
        """,
        why=_EVALUATES,
    ),
    Insert(
        "reactions to as many posts",
        "social_feed_reactions",
        READER,
        f"select p.id as post_id, '{READER}'::uuid as user_id {_PUBLIC_POSTS}",
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
        why=_EVALUATES,
    ),
)


class _Rows(NamedTuple):
    """Rows as one of the two sides writes them."""

    table: str
    source: str
    columns: Sequence[str]
    selected: Sequence[str]
    values: Sequence[tuple[Any, ...]]


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
    for number, insert in enumerate(INSERTS):
        source = _source(number)
        connection.execute(text(f"create table {source} as {insert.rows}"), {"rows": rows})
        connection.exec_driver_sql(f"grant select on {source} to authenticated")
    connection.exec_driver_sql("analyze")


def measurements(connection: Connection) -> Iterable[Measurement]:
    """Yield what is measured on a database that is prepared."""
    for number, insert in enumerate(INSERTS):
        of_user, of_owner = _rows(connection, insert, _source(number))
        yield from (
            Measurement(
                f"{insert.name}, {how}",
                _of_user(connection, insert, run, of_user),
                _of_owner(connection, run, of_owner, without),
                _BESIDE[without],
                goal,
                why,
            )
            for how, run, without, goal, why in (
                ("one statement", _at_once, _TRIGGERS, insert.goal, insert.why),
                ("one statement", _at_once, _EVERYTHING, insert.goal, _of_bare(insert)),
                ("a batch", _in_a_batch, _TRIGGERS, _GOAL, insert.why),
                ("one by one", _one_by_one, _TRIGGERS, _GOAL, insert.why),
            )
        )


def _of_bare(insert: Insert) -> str:
    return ", and ".join(filter(None, (_REFERS, insert.why)))


def _source(number: int) -> str:
    return f"bench.rows_{number}"


def _rows(connection: Connection, insert: Insert, source: str) -> tuple[_Rows, _Rows]:
    """Return the rows as the user writes them, and as the owner does without triggers."""
    with connection.begin():
        found = connection.exec_driver_sql(f"select * from {source} limit {_IN_A_BATCH}")
        names, values = tuple(found.keys()), [tuple(each) for each in found]
    given = [name for name in names if name != insert.filled]
    of_user = [
        tuple(
            None if name == insert.null else value
            for name, value in zip(names, each, strict=True)
            if name in given
        )
        for each in values
    ]
    selected = ["null" if name == insert.null else name for name in given]
    return (
        _Rows(insert.table, source, given, selected, of_user),
        _Rows(insert.table, source, names, names, values),
    )


def _of_user(connection: Connection, insert: Insert, run: _Run, rows: _Rows) -> Side:
    def side() -> Taken:
        with connection.begin() as transaction:
            with acting(connection, Actor.user(insert.user)):
                taken = _taken(connection, run, rows)
            transaction.rollback()
        return taken

    return side


def _of_owner(connection: Connection, run: _Run, rows: _Rows, without: str) -> Side:
    def side() -> Taken:
        with connection.begin() as transaction:
            connection.exec_driver_sql(without.format(table=rows.table))
            taken = _taken(connection, run, rows)
            transaction.rollback()
        return taken

    return side


def _taken(connection: Connection, run: _Run, rows: _Rows) -> Taken:
    begin = time.perf_counter()
    count = run(connection, rows)
    return Taken(time.perf_counter() - begin, count)


def _at_once(connection: Connection, rows: _Rows) -> int:
    columns, selected = (", ".join(each) for each in (rows.columns, rows.selected))
    statement = f"insert into public.{rows.table} ({columns}) select {selected} from {rows.source}"
    return connection.exec_driver_sql(statement).rowcount


def _in_a_batch(connection: Connection, rows: _Rows) -> int:
    connection.exec_driver_sql(_statement(rows), list(rows.values))
    return len(rows.values)


def _one_by_one(connection: Connection, rows: _Rows) -> int:
    statement, values = _statement(rows), rows.values[:_ONE_BY_ONE]
    for each in values:
        connection.exec_driver_sql(statement, each)
    return len(values)


def _statement(rows: _Rows) -> str:
    places = ", ".join(["%s"] * len(rows.columns))
    return f"insert into public.{rows.table} ({', '.join(rows.columns)}) values ({places})"
