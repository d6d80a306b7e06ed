"""A session that only reads, with one server."""

from __future__ import annotations

import logging
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, cast, get_args
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, create_engine, delete, func, insert, select, text, update
from sqlalchemy.exc import InternalError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm.session import JoinTransactionMode
from sqlalchemy.schema import CreateTable

from tests.session.conftest import async_sessions
from tests.session.database import Base, Note
from tests.session.scenarios import assert_acts_as
from tests.support.blocks import blocks_of, run_blocks
from townhall.errors import Kind, explain
from townhall.session import AsyncSessionFactory, ReadOnlyError, SessionFactory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from tests.session.database import Logins

NOWHERE = "postgresql+psycopg://nobody@/nowhere?host=/nowhere"


def _changed(session: Session) -> None:
    note = session.scalars(select(Note).limit(1)).one()
    note.body = "changed"
    session.flush()


def _deleted(session: Session) -> None:
    session.delete(session.scalars(select(Note).limit(1)).one())
    session.flush()


def _added(session: Session) -> None:
    session.add(Note(owner=uuid4()))
    session.flush()


def _deleted_in_a_savepoint(session: Session) -> None:
    with session.begin_nested():
        session.execute(delete(Note))


CHANGES: dict[str, Callable[[Session], object]] = {
    "row added": _added,
    "row changed": _changed,
    "row deleted": _deleted,
    "insert": lambda session: session.execute(insert(Note).values(owner=uuid4())),
    "insert of many": lambda session: session.execute(insert(Note), [{"owner": uuid4()}] * 2),
    "insert that returns": lambda session: session.scalars(
        insert(Note).returning(Note.id), [{"owner": uuid4(), "body": "b"}]
    ),
    "update": lambda session: session.execute(update(Note).values(body="changed")),
    "update by key": lambda session: session.execute(
        update(Note), [{"id": uuid4(), "body": "changed"}]
    ),
    "delete": lambda session: session.execute(delete(Note)),
    "delete in a query": lambda session: session.execute(
        select(delete(Note).returning(Note.id).cte())
    ),
    "insert from a query that deletes": lambda session: session.execute(
        insert(Note).from_select(["owner"], select(delete(Note).returning(Note.owner).cte()))
    ),
    "bulk": lambda session: session.bulk_insert_mappings(Note.__mapper__, [{"owner": uuid4()}]),
    "connection": lambda session: session.connection().execute(delete(Note)),
    "table": lambda session: session.execute(CreateTable(Base.metadata.tables["notes"])),
    "savepoint": _deleted_in_a_savepoint,
}
every_change = pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))


@pytest.fixture
def written(sessions: SessionFactory, user: UUID) -> Note:
    with sessions.as_user(user) as session:
        note = Note(owner=user, body="as it was")
        session.add(note)
    return note


@pytest.mark.usefixtures("written")
@every_change
def test_change_is_refused_before_it_is_sent(
    sessions: SessionFactory, user: UUID, change: Callable[[Session], object]
) -> None:
    with sessions.as_user(user, read_only=True) as session:
        with pytest.raises(ReadOnlyError, match="this session only reads") as refused:
            change(session)
        session.rollback()
        assert_acts_as(session, user)
    with sessions.as_user(user) as session:
        assert session.scalars(select(Note.body)).all() == ["as it was"]
    explanation = explain(refused.value)
    assert explanation is not None
    assert explanation.kind is Kind.WRONG_STATE
    assert explanation.sentence == "This only reads: nothing can be changed here."


@pytest.mark.usefixtures("written")
@every_change
async def test_change_in_an_async_session_is_refused(
    logins: Logins, user: UUID, change: Callable[[Session], object]
) -> None:
    async with (
        async_sessions(logins.member) as sessions,
        sessions.as_user(user, read_only=True) as session,
    ):
        with pytest.raises(ReadOnlyError, match="this session only reads"):
            await session.run_sync(change)
        await session.rollback()
        await session.run_sync(assert_acts_as, user)


def test_change_that_only_the_server_sees_is_refused_and_explained(
    sessions: SessionFactory, user: UUID, written: Note
) -> None:
    with pytest.raises(InternalError, match="read-only transaction") as refused:  # noqa: SIM117
        with sessions.as_user(user, read_only=True) as session:
            session.execute(text("update notes set body = 'changed'"))
    explanation = explain(refused.value)
    assert explanation is not None
    assert explanation.kind is Kind.WRONG_STATE
    with sessions.as_user(user) as session:
        note = session.get_one(Note, written.id)
        assert note.body == "as it was"


def test_session_reads_as_its_actor_and_another_one_writes_after_it(
    sessions: SessionFactory, user: UUID, written: Note
) -> None:
    with sessions.as_user(user, read_only=True) as session:
        for _ in range(2):
            assert_acts_as(session, user)
            assert session.scalars(select(Note.id)).all() == [written.id]
            session.commit()
    with sessions.as_anonymous(read_only=True) as session:
        assert session.scalars(select(Note)).all() == []
    with sessions.as_service(read_only=True) as session:
        assert written.id in session.scalars(select(Note.id)).all()
    with sessions.as_user(user) as session:
        session.get_one(Note, written.id).body = "changed"
        session.flush()


def test_session_on_a_connection_leaves_its_transaction_as_it_was(
    engine: Engine, user: UUID
) -> None:
    with engine.connect() as connection, connection.begin() as transaction:
        sessions = SessionFactory(connection)
        with sessions.as_user(user) as session:
            session.add(Note(owner=user))
        with sessions.as_user(user, read_only=True) as session:
            assert session.scalar(select(func.count(Note.id))) == 1
            with pytest.raises(ReadOnlyError):
                session.execute(delete(Note))
            with pytest.raises(InternalError, match="read-only"):
                session.execute(text("delete from notes"))
            session.rollback()
        with sessions.as_user(user) as session:
            session.add(Note(owner=user))
        transaction.rollback()


_AS_TEXT = text("update notes set body = 'changed'")


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("mode", get_args(JoinTransactionMode))
def test_session_on_a_connection_changes_nothing_however_it_joins(
    engine: Engine, user: UUID, mode: JoinTransactionMode
) -> None:
    for begin in (nullcontext, Connection.begin, _savepoint):
        with engine.connect() as connection, begin(connection):
            sessions = SessionFactory(connection, join_transaction_mode=mode)
            with sessions.as_user(user, read_only=True) as session:
                with pytest.raises(InternalError, match="read-only"):
                    session.execute(_AS_TEXT)
                session.rollback()
                assert session.scalars(select(Note.body)).all() == ["as it was"]
            with SessionFactory(connection).as_user(user) as session:
                assert session.execute(_AS_TEXT).rowcount == 1  # type: ignore[attr-defined]
                session.rollback()


@contextmanager
def _savepoint(connection: Connection) -> Iterator[None]:
    with connection.begin(), connection.begin_nested():
        yield


@pytest.mark.usefixtures("written")
def test_session_that_may_write_by_the_options_of_its_connection_changes_nothing(
    engine: Engine, user: UUID
) -> None:
    writing = engine.execution_options(postgresql_readonly=False)
    with (
        pytest.raises(InternalError, match="read-only"),
        SessionFactory(writing).as_user(user, read_only=True) as session,
    ):
        session.execute(_AS_TEXT)
    with (
        pytest.raises(InternalError, match="read-only"),
        SessionFactory(engine).as_user(user, read_only=True) as session,
    ):
        session.connection(execution_options={"postgresql_readonly": False}).execute(_AS_TEXT)
    with engine.connect() as connection:
        sessions = SessionFactory(engine, binds={Note: connection})
        with (
            pytest.raises(InternalError, match="read-only"),
            sessions.as_user(user, read_only=True) as session,
        ):
            session.execute(_AS_TEXT, bind_arguments={"mapper": Note})


def test_position_is_that_of_the_last_commit(sessions: SessionFactory, user: UUID) -> None:
    before = sessions.position()
    with sessions.as_user(user) as session:
        session.add(Note(owner=user))
    with sessions.as_user(user, read_only=True, after=sessions.position()) as session:
        newer = text("select cast(:after as pg_lsn) > cast(:before as pg_lsn)")
        assert session.scalar(newer, {"after": sessions.position(), "before": before})


@pytest.mark.parametrize("after", ["", "0/0; select 1", "0/0\n", "g/0", "0"])
def test_position_that_is_none_is_refused(sessions: SessionFactory, user: UUID, after: str) -> None:
    with pytest.raises(ValueError, match="after is no position") as refused:
        sessions.as_user(user, read_only=True, after=after)
    assert repr(after) not in str(refused.value)


def test_position_for_a_session_that_writes_is_refused(sessions: SessionFactory) -> None:
    with pytest.raises(ValueError, match="add read_only=True"):
        sessions.as_service(after="0/0")


def test_example_of_the_guide_runs(engine: Engine, user: UUID) -> None:
    reading, limits = blocks_of("docs/acting.md", "python", under="Reading from a replica")
    names = {"create_engine": create_engine, "replica_url": engine.url}
    replica_engine = cast("Engine", run_blocks([limits], **names)["replica_engine"])
    names = {"SessionFactory": SessionFactory, "replica_engine": replica_engine, "engine": engine}
    run_blocks([reading], **names, user_id=user)
    replica_engine.connect().close()  # libpq refuses an option that it does not have
    replica_engine.dispose()


def test_replica_of_another_kind_is_refused(engine: Engine) -> None:
    async_engine = create_async_engine(engine.url)
    with pytest.raises(TypeError, match="a replica is an Engine, not AsyncEngine"):
        SessionFactory(engine, replica=async_engine)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a replica is an AsyncEngine, not Engine"):
        AsyncSessionFactory(async_engine, replica=engine)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="can't have one replica"):
        SessionFactory(engine, replica=engine, binds={Note: engine})


def test_replica_that_is_gone_is_not_tried_each_time(
    engine: Engine, user: UUID, written: Note, caplog: pytest.LogCaptureFixture
) -> None:
    gone = create_engine(NOWHERE)
    sessions = SessionFactory(engine, replica=gone)
    for _ in range(3):
        with sessions.as_user(user, read_only=True) as session:
            assert session.scalars(select(Note.id)).all() == [written.id]
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        "The primary is read for 5 seconds"
    ]


async def test_replica_that_is_gone_is_not_needed_by_an_async_session(
    logins: Logins, user: UUID, written: Note
) -> None:
    engine = create_async_engine(logins.member)
    sessions = AsyncSessionFactory(engine, replica=create_async_engine(NOWHERE))
    position = await sessions.position()
    async with sessions.as_user(user, read_only=True, after=position) as session:
        assert session.get_bind().engine.url == logins.member  # nothing can be decided there
        assert (await session.scalars(select(Note.id))).all() == [written.id]
    await engine.dispose()


def test_server_that_is_no_standby_is_not_read(
    engine: Engine, logins: Logins, user: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    other = create_engine(logins.member)
    sessions = SessionFactory(engine, replica=other)
    with caplog.at_level(logging.INFO), sessions.as_user(user, read_only=True) as session:
        assert session.connection().engine.pool is engine.pool
    assert "the replica is no standby" in caplog.text
    other.dispose()
