"""Eight connections that write at once as users, beside copies of the tables.

A copy has the columns, defaults and indexes, and no policies, triggers and foreign keys. It is
written by plain sessions, by such that set role and claims by hand, which is a round trip more, and
by sessions that act as the user. Each write is a transaction of its own. Where all of them write
one row they wait for each other's commit on both sides.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Engine, Executable, create_engine, insert, text
from sqlalchemy.orm import Session

from tests.benchmarks.frame import Bench, Comparisons, Measurement, Side, Taken
from tests.benchmarks.groups.reads_data import LARGE_EVENT, ORGANIZER, fill, key
from townhall import SessionFactory, SocialFeedReaction
from townhall.domains.events import seat
from townhall.domains.wizard import save_session
from townhall.migrate import upgrade
from townhall.session.actor import Actor

_CONNECTIONS, _WRITES = 8, 25
_GOAL = 1 / 0.6
"""The least throughput is 0.6 of that of the bare copy."""

_ACTS = "role and claims are one more statement of each transaction"
_CHECKS = "each write is checked by policies, triggers and foreign keys"
_GUARDS = "the session guards its statements in Python, and each write is checked"

_USER, _POST, _PARTICIPANT, _SESSION = 1, 2, 5, 9
_WRITERS = [key(_USER, 4 + number) for number in range(_CONNECTIONS)]
_PATCH = {"name": "Founder"}

_SET_UP = (
    "create schema bench",
    *(
        f"create table bench.{table} (like public.{table} including defaults including indexes)"
        for table in ("social_feed_reactions", "wizard_sessions", "table_assignments")
    ),
    *(f"insert into public.profiles (id) values ('{each}')" for each in _WRITERS),
    *(
        f"""
        insert into {schema}.wizard_sessions (id, user_id)
        values ('{key(_SESSION, number)}', '{user}')
        """
        for schema in ("public", "bench")
        for number, user in enumerate(_WRITERS)
    ),
    f"""
    insert into bench.table_assignments
    select * from public.table_assignments as t where t.event_id = '{LARGE_EVENT}'
    """,
    "grant usage on schema bench to authenticated",
    "grant select, insert, update on all tables in schema bench to authenticated",
)
_SET = text(
    """
    select
        set_config('role', 'authenticated', true),
        set_config('request.jwt.claims', :claims, true)
    """
)
_UNREACT = "delete from {schema}.social_feed_reactions where reaction_type = 'insightful'"
_REACT = text(
    """
    insert into bench.social_feed_reactions (post_id, user_id, reaction_type)
    values (:post, :user, 'insightful')
    """
)
_SAVE = text(
    """
    update bench.wizard_sessions as w
    set state = w.state || '{"name": "Founder"}', last_saved_at = clock_timestamp()
    where w.id = :id
    """
)
_SEAT = text(
    f"""
    update bench.table_assignments as t
    set table_number = :number
    where t.event_id = '{LARGE_EVENT}' and t.participant_id = :participant
    """
)


class _Write(NamedTuple):
    """One write of a connection: as whom, what, and the same on the bare copy."""

    user: UUID
    ours: Executable
    bare: Executable


_Writes = Callable[[int, int], _Write]
"""Returns a write by the number of the connection, and its number within the connection."""


def _reaction(posts: int) -> _Writes:
    def write(connection: int, number: int) -> _Write:
        place = number * _CONNECTIONS + connection
        user, post = key(_USER, 4 + place), key(_POST, 10 * (place % posts))
        return _Write(
            user,
            insert(SocialFeedReaction).values(
                post_id=post, user_id=user, reaction_type="insightful"
            ),
            _REACT.bindparams(post=post, user=user),
        )

    return write


def _save(sessions: int) -> _Writes:
    def write(connection: int, _: int) -> _Write:
        owner = connection % sessions
        session_id = key(_SESSION, owner)
        return _Write(
            _WRITERS[owner],
            save_session(session_id, _PATCH),
            _SAVE.bindparams(id=session_id),
        )

    return write


def _seating(connection: int, number: int) -> _Write:
    participant, table = key(_PARTICIPANT, number * _CONNECTIONS + connection), number + 2
    return _Write(
        ORGANIZER,
        seat(LARGE_EVENT, participant, table),
        _SEAT.bindparams(number=table, participant=participant),
    )


@contextmanager
def _measurements(bench: Bench) -> Iterator[Sequence[Measurement]]:
    posts = min(1_000, bench.rows // 10)
    with bench.databases.create() as url:
        upgrade(url)
        engine = create_engine(url, pool_size=_CONNECTIONS)
        with engine.begin() as connection:
            fill(connection, max(bench.rows, 100 * (_CONNECTIONS * _WRITES + 4)))
            for statement in _SET_UP:
                connection.exec_driver_sql(statement)
        try:
            yield [
                each
                for name, writes, goal in (
                    ("reactions to one post", _reaction(1), None),
                    (f"reactions to {posts:,} posts", _reaction(posts), _GOAL),
                    ("saves of one wizard session", _save(1), _GOAL),
                    ("saves of a wizard session each", _save(_CONNECTIONS), _GOAL),
                    ("`seat()` in one event", _seating, _GOAL),
                )
                for each in _of(engine, f"eight connections: {name}", writes, goal)
            ]
        finally:
            engine.dispose()


def _of(engine: Engine, name: str, writes: _Writes, goal: float | None) -> Iterator[Measurement]:
    ours, bare, by_hand = (side(engine, writes) for side in (_ours, _bare, _by_hand))
    yield Measurement(name, ours, bare, "a bare copy, by plain sessions", goal, _ACTS)
    yield Measurement(
        f"{name}, role and claims alone", by_hand, bare, "a bare copy, by plain sessions"
    )
    yield Measurement(name, ours, by_hand, "a bare copy, role and claims by hand", goal, _GUARDS)
    acting = _acting(engine, writes)
    yield Measurement(name, ours, acting, "a bare copy, by sessions that act", goal, _CHECKS)


def _ours(engine: Engine, writes: _Writes) -> Side:
    sessions = SessionFactory(engine)

    def write(each: _Write) -> None:
        with sessions.as_user(each.user) as session:
            session.execute(each.ours)

    return _at_once(engine, "public", writes, write)


def _acting(engine: Engine, writes: _Writes) -> Side:
    sessions = SessionFactory(engine)

    def write(each: _Write) -> None:
        with sessions.as_user(each.user) as session:
            session.execute(each.bare)

    return _at_once(engine, "bench", writes, write)


def _by_hand(engine: Engine, writes: _Writes) -> Side:
    def write(each: _Write) -> None:
        with Session(engine) as session, session.begin():
            session.execute(_SET, {"claims": Actor.user(each.user).claims})
            session.execute(each.bare)

    return _at_once(engine, "bench", writes, write)


def _bare(engine: Engine, writes: _Writes) -> Side:
    def write(each: _Write) -> None:
        with Session(engine) as session, session.begin():
            session.execute(each.bare)

    return _at_once(engine, "bench", writes, write)


def _at_once(engine: Engine, schema: str, writes: _Writes, write: Callable[[_Write], None]) -> Side:
    """Return a side in which every connection writes, after the reactions of the last turn."""

    def run(connection: int) -> int:
        for number in range(_WRITES):
            write(writes(connection, number))
        return _WRITES

    def side() -> Taken:
        with engine.begin() as connection:
            connection.exec_driver_sql(_UNREACT.format(schema=schema))
        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            begin = time.perf_counter()
            count = sum(pool.map(run, range(_CONNECTIONS)))
            return Taken(time.perf_counter() - begin, count)

    return side


GROUP = Comparisons("contention", _measurements)
