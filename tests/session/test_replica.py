"""A session that only reads, with a primary and a standby that follows it."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import create_engine, event, make_url, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from tests.session.database import Logins, Note, notes_database
from tests.support.blocks import blocks_of
from tests.support.standby import Pair, query, standby_pair
from townhall.errors import Kind, explain
from townhall.session import AsyncSessionFactory, SessionFactory, replica

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, Engine
    from sqlalchemy.orm import Session

pytestmark = pytest.mark.thorough

_IS_STANDBY = text("select pg_is_in_recovery()")
_FAR = 300  # seconds


class Servers(NamedTuple):
    """A pair, and the login role of the application on each of its servers."""

    pair: Pair
    primary: URL
    standby: URL


@pytest.fixture(scope="module")
def pair() -> Iterator[Servers]:
    with standby_pair() as pair, notes_database(pair.primary) as logins:
        yield Servers(pair, logins.member, _standby_of(logins, pair))


def _standby_of(logins: Logins, pair: Pair) -> URL:
    place = make_url(pair.standby)
    return place.set(username=logins.member.username, password=logins.member.password)


@pytest.fixture
def primary(pair: Servers) -> Iterator[Engine]:
    engine = create_engine(pair.primary)
    yield engine
    engine.dispose()


@pytest.fixture
def standby(pair: Servers) -> Iterator[Engine]:
    engine = create_engine(pair.standby)
    yield engine
    engine.dispose()


def is_on_standby(session: Session) -> bool:
    return session.execute(_IS_STANDBY).scalar_one() is True


@contextmanager
def paused(pair: Servers) -> Iterator[None]:
    """Let the standby receive, and replay nothing."""
    query(pair.pair.standby, "select pg_wal_replay_pause()")
    yield
    query(pair.pair.standby, "select pg_wal_replay_resume()")


def _write(sessions: SessionFactory, user: UUID) -> UUID:
    with sessions.as_user(user) as session:
        note = Note(owner=user)
        session.add(note)
    return note.id


def test_reader_sees_on_the_standby_what_it_has_written(
    primary: Engine, standby: Engine, user: UUID
) -> None:
    sessions = SessionFactory(primary, replica=standby, max_wait=30)
    for _ in range(20):
        written = _write(sessions, user)
        with sessions.as_user(user, read_only=True, after=sessions.position()) as session:
            assert is_on_standby(session)
            assert session.get(Note, written) is not None
    with sessions.as_user(user) as session:
        assert not is_on_standby(session)


@pytest.mark.parametrize("wait", ["on", "off"])
def test_position_at_the_end_of_a_page_is_reached(
    pair: Servers, standby: Engine, user: UUID, wait: str
) -> None:
    options = f"-csynchronous_commit={wait}"
    engine = create_engine(pair.primary.update_query_dict({"options": options}))
    sessions = SessionFactory(engine, replica=standby, max_wait=5)
    written = _write(sessions, user)
    query(pair.pair.primary, "select pg_switch_wal()")
    with sessions.as_user(user, read_only=True, after=sessions.position()) as session:
        assert is_on_standby(session)
        assert session.get(Note, written) is not None
    engine.dispose()


async def test_async_reader_sees_on_the_standby_what_it_has_written(
    pair: Servers, user: UUID
) -> None:
    primary, standby = create_async_engine(pair.primary), create_async_engine(pair.standby)
    sessions = AsyncSessionFactory(primary, replica=standby, max_wait=30)
    async with sessions.as_user(user) as session:
        session.add(Note(owner=user))
    position = await sessions.position()
    async with sessions.as_user(user, read_only=True, after=position) as session:
        assert await session.run_sync(is_on_standby)
        assert len((await session.scalars(select(Note))).all()) == 1
    async with sessions.as_service(read_only=True) as session:
        assert await session.run_sync(is_on_standby)
    await primary.dispose()
    await standby.dispose()


def test_standby_is_looked_at_by_the_first_of_many_readers(
    primary: Engine, standby: Engine, user: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica, "_KNOWN", 60)
    sessions = SessionFactory(primary, replica=standby, max_lag=_FAR, max_wait=30)
    looks: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        looks.extend(["look"] if "pg_stat_wal_receiver" in statement else [])

    event.listen(standby, "before_cursor_execute", note)
    for _ in range(3):
        with sessions.as_user(user, read_only=True) as session:
            assert is_on_standby(session)
    assert len(looks) == 1
    with sessions.as_user(user, read_only=True, after=sessions.position()) as session:
        assert is_on_standby(session)
    assert len(looks) > 1


def test_statement_with_an_engine_of_its_own_goes_there(
    primary: Engine, standby: Engine, user: UUID
) -> None:
    sessions = SessionFactory(primary, replica=standby, max_lag=_FAR)
    with sessions.as_user(user, read_only=True) as session:
        there = session.execute(_IS_STANDBY, bind_arguments={"bind": primary})
        assert there.scalar_one() is False
        with pytest.raises(DBAPIError, match="read-only"):
            session.execute(text("delete from notes"), bind_arguments={"bind": primary})
        session.rollback()
        assert is_on_standby(session)


def test_reader_on_the_standby_sees_its_own_rows_only(
    primary: Engine, standby: Engine, user: UUID
) -> None:
    sessions = SessionFactory(primary, replica=standby, max_wait=30)
    with sessions.as_user(user, read_only=True, after=sessions.position()) as session:
        assert is_on_standby(session)
        assert session.scalars(select(Note)).all() == []


@pytest.mark.parametrize(
    "statement",
    [
        "insert into notes values (gen_random_uuid(), gen_random_uuid(), '')",
        "select from notes for update",
        "create temporary table mine (id int)",
    ],
)
def test_what_only_the_standby_refuses_is_explained(
    primary: Engine, standby: Engine, user: UUID, statement: str
) -> None:
    sessions = SessionFactory(primary, replica=standby)
    with sessions.as_user(user, read_only=True) as session:
        assert is_on_standby(session)
        with pytest.raises(DBAPIError) as refused:
            session.execute(text(statement))
        session.rollback()
    explanation = explain(refused.value)
    assert explanation is not None
    assert explanation.kind is Kind.WRONG_STATE
    assert explanation.sentence == "This only reads: nothing can be changed here."


def test_standby_that_has_not_replayed_the_position_in_time_is_not_read(
    pair: Servers, primary: Engine, standby: Engine, user: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    sessions = SessionFactory(primary, replica=standby, max_lag=_FAR, max_wait=0.05)
    with paused(pair):
        written = _write(sessions, user)
        position = sessions.position()
        with (
            caplog.at_level(logging.INFO),
            sessions.as_user(user, read_only=True, after=position) as session,
        ):
            assert session.get(Note, written) is not None
            assert not is_on_standby(session)
        with sessions.as_user(user, read_only=True) as session:  # it does not need its own
            assert is_on_standby(session)
            assert session.get(Note, written) is None
    assert f"has not replayed {position} in time" in caplog.text


def test_standby_that_is_too_far_behind_is_not_read_until_it_has_caught_up(
    pair: Servers, primary: Engine, standby: Engine, user: UUID
) -> None:
    near = SessionFactory(primary, replica=standby, max_lag=0)
    far = SessionFactory(primary, replica=standby, max_lag=None)
    with paused(pair):
        written = _write(near, user)
        query(pair.pair.primary, "select pg_switch_wal()")
        _wait_until_received(pair, near.position())
        with near.as_user(user, read_only=True) as session:
            assert not is_on_standby(session)
            assert session.get(Note, written) is not None
        with far.as_user(user, read_only=True) as session:
            assert is_on_standby(session)
    patient = SessionFactory(primary, replica=standby, max_wait=30)
    with patient.as_user(user, read_only=True, after=near.position()) as session:
        assert is_on_standby(session)


def _wait_until_received(pair: Servers, position: str) -> None:
    query(
        pair.pair.standby,
        f"""
        do $$
        begin
          while pg_last_wal_receive_lsn() < '{position}' loop perform pg_sleep(0.01); end loop;
        end
        $$
        """,
    )


def test_queries_of_the_guide_tell_how_far_a_standby_is_and_what_a_slot_keeps(
    pair: Servers, primary: Engine, user: UUID
) -> None:
    _, lag, slots, *_ = (each.text for each in blocks_of("docs/deployment.md", "sql"))
    owner = create_engine(pair.pair.primary, isolation_level="AUTOCOMMIT")
    with owner.connect() as connection, paused(pair):
        create = "select pg_create_physical_replication_slot('left', immediately_reserve => true)"
        connection.execute(text(create))
        _write(SessionFactory(primary), user)
        (standby,) = connection.execute(text(lag)).mappings()
        assert standby["state"] == "streaming"
        assert standby["bytes_behind"] > 0
        assert standby["seconds_behind"] >= 0
        (slot,) = connection.execute(text(slots)).mappings()
        assert (slot["slot_name"], slot["active"]) == ("left", False)
        assert slot["bytes_kept"] > 0
        connection.execute(text("select pg_drop_replication_slot('left')"))
    owner.dispose()


def test_each_transaction_of_a_session_goes_where_it_can(
    pair: Servers, primary: Engine, standby: Engine, user: UUID
) -> None:
    sessions = SessionFactory(primary, replica=standby, max_lag=_FAR)
    with sessions.as_user(user, read_only=True) as session:
        assert is_on_standby(session)
        session.commit()
        pair.pair.stop_standby()
        try:
            assert not is_on_standby(session)
            session.commit()
            assert not is_on_standby(session)
        finally:
            pair.pair.start_standby()


def test_standby_that_stops_after_it_was_looked_at_is_not_read(
    pair: Servers, primary: Engine, standby: Engine, user: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica, "_KNOWN", _FAR)
    monkeypatch.setattr(replica, "_RETRY", 0)
    sessions = SessionFactory(primary, replica=standby, max_lag=_FAR)
    with sessions.as_user(user, read_only=True) as session:
        assert is_on_standby(session)
    pair.pair.stop_standby()
    try:
        for _ in range(2):  # by the pooled connection, which is gone, and by a new one
            with sessions.as_user(user, read_only=True) as session:
                assert not is_on_standby(session)
    finally:
        pair.pair.start_standby()


async def test_async_reader_does_not_read_a_standby_that_stops_after_it_was_looked_at(
    pair: Servers, user: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica, "_KNOWN", _FAR)
    primary, standby = create_async_engine(pair.primary), create_async_engine(pair.standby)
    sessions = AsyncSessionFactory(primary, replica=standby, max_lag=_FAR)
    async with sessions.as_user(user, read_only=True) as session:
        assert await session.run_sync(is_on_standby)
    pair.pair.stop_standby()
    try:
        async with sessions.as_user(user, read_only=True) as session:
            assert not await session.run_sync(is_on_standby)
    finally:
        pair.pair.start_standby()
    await primary.dispose()
    await standby.dispose()


def test_standby_that_went_and_came_back_is_read_again(
    pair: Servers, primary: Engine, standby: Engine, user: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica, "_RETRY", 0)
    sessions = SessionFactory(primary, replica=standby, max_lag=_FAR)
    with sessions.as_user(user, read_only=True) as session:
        assert is_on_standby(session)
    pair.pair.stop_standby()
    try:
        with sessions.as_user(user, read_only=True) as session:
            assert not is_on_standby(session)
    finally:
        pair.pair.start_standby()
    with sessions.as_user(user, read_only=True) as session:
        assert is_on_standby(session)


def test_standby_that_hangs_is_left_within_seconds_by_an_open_connection_and_by_a_new_one(
    pair: Servers, primary: Engine, user: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in (("_ANSWER", 0.5), ("_KNOWN", 0), ("_RETRY", 0)):
        monkeypatch.setattr(replica, name, seconds)
    standby = create_engine(pair.standby, connect_args={"connect_timeout": 2})
    sessions = SessionFactory(primary, replica=standby, max_lag=None, max_wait=0)
    with sessions.as_user(user, read_only=True) as session:
        assert is_on_standby(session)
    with pair.pair.hanging_standby():
        for longest in (0.5, 2):
            begin = time.monotonic()
            with sessions.as_user(user, read_only=True) as session:
                assert not is_on_standby(session)
            assert longest <= time.monotonic() - begin < longest + 5
    with sessions.as_user(user, read_only=True) as session:
        assert is_on_standby(session)
    standby.dispose()


async def test_async_reader_leaves_a_standby_that_hangs_and_no_other_task_waits_for_it(
    pair: Servers, user: UUID, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, seconds in (("_ANSWER", 1), ("_KNOWN", 0)):
        monkeypatch.setattr(replica, name, seconds)
    primary, standby = create_async_engine(pair.primary), create_async_engine(pair.standby)
    sessions = AsyncSessionFactory(primary, replica=standby, max_lag=None, max_wait=0)

    async def read() -> bool:
        async with sessions.as_user(user, read_only=True) as session:
            return await session.run_sync(is_on_standby)

    assert await read()
    with pair.pair.hanging_standby():
        reading = asyncio.create_task(read())
        turns = 0
        while not reading.done():
            await asyncio.sleep(0.01)
            turns += 1
        assert not reading.result()
    assert turns > 10
    assert "for 5 seconds: no answer within 1 seconds" in caplog.text
    await primary.dispose()
    await standby.dispose()


def test_reader_goes_to_the_primary_where_all_connections_to_the_standby_are_in_use(
    pair: Servers, primary: Engine, user: UUID
) -> None:
    standby = create_engine(pair.standby, pool_size=1, max_overflow=0, pool_timeout=0.1)
    sessions = SessionFactory(primary, replica=standby, max_lag=None)
    with sessions.as_user(user, read_only=True) as first:
        assert is_on_standby(first)
        with sessions.as_user(user, read_only=True) as second:
            assert not is_on_standby(second)
    standby.dispose()
