"""The block that a factory opens: whose it is, and how it ends."""

from __future__ import annotations

import asyncio
import tempfile
from typing import TYPE_CHECKING, cast
from uuid import UUID, uuid4

import pytest
from sqlalchemy import create_engine, event, func, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session, sessionmaker

from tests.session.conftest import async_sessions
from tests.session.database import Note
from tests.session.scenarios import assert_acts_as
from townhall.session import Actor, AsyncSessionFactory, SessionFactory

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg
    from sqlalchemy import Connection, Engine, QueuePool
    from sqlalchemy.orm import SessionTransaction

    from tests.session.database import Logins


def _owners(sessions: SessionFactory, owner: UUID) -> int | None:
    with sessions.as_service() as session:
        return session.scalar(select(func.count()).where(Note.owner == owner))


def test_it_commits_on_success(sessions: SessionFactory, user: UUID) -> None:
    with sessions.as_user(user) as session:
        session.add(Note(owner=user))
    assert _owners(sessions, user) == 1


def test_it_rolls_back_on_an_exception(sessions: SessionFactory, user: UUID) -> None:
    def fail() -> None:
        with sessions.as_user(user) as session:
            session.add(Note(owner=user))
            session.commit()
            session.add(Note(owner=user))
            session.flush()
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert _owners(sessions, user) == 1


def test_it_gives_the_connection_back(sessions: SessionFactory, engine: Engine, user: UUID) -> None:
    pool = cast("QueuePool", engine.pool)
    with sessions.as_user(user) as session:
        session.connection()
        assert pool.checkedout() == 1
    assert pool.checkedout() == 0
    with pytest.raises(ProgrammingError), sessions.as_user(user) as session:
        session.execute(text("select no_such_column"))
    assert pool.checkedout() == 0


def test_a_user_id_that_is_no_uuid_is_refused_before_a_connection_is_made(user: UUID) -> None:
    sessions = SessionFactory(create_engine("postgresql+psycopg://nobody@/nowhere?host=/nowhere"))
    with pytest.raises(ValueError, match="not a UUID"):
        sessions.as_user(f"{user}'")


def test_claims_and_headers_reach_the_database(sessions: SessionFactory, user: UUID) -> None:
    hostile = "'; drop table notes; --\\"
    with sessions.as_user(
        user, claims={"name": hostile}, request_headers={"User-Agent": hostile}
    ) as session:
        found = session.execute(
            text(
                """
                select
                  current_setting('request.jwt.claims')::json ->> 'name',
                  current_setting('request.headers')::json ->> 'user-agent'
                """
            )
        ).one()
    assert tuple(found) == (hostile, hostile)


def test_the_service_sees_everybodys_rows(sessions: SessionFactory, user: UUID) -> None:
    with sessions.as_user(user) as session:
        session.add(Note(owner=user))
    with sessions.as_service() as session:
        assert session.scalar(text("select current_user")) == "service_role"
        assert user in session.scalars(select(Note.owner)).all()


def test_nobody_sees_and_writes_nothing(sessions: SessionFactory) -> None:
    with sessions.as_anonymous() as session:
        assert session.scalar(text("select current_user")) == "anon"
        assert session.scalars(select(Note)).all() == []
        session.add(Note(owner=uuid4()))
        with pytest.raises(ProgrammingError, match="permission denied"):
            session.flush()
        session.rollback()


def test_session_options_are_passed_on(engine: Engine, user: UUID) -> None:
    sessions = SessionFactory(engine, expire_on_commit=False, info={"request": 7})
    with sessions.as_user(user) as session:
        note = Note(owner=user)
        session.add(note)
        assert session.info["request"] == 7
    assert note.owner == user


@pytest.mark.parametrize("factory", [SessionFactory, AsyncSessionFactory])
def test_a_factory_wants_an_engine_of_its_own_kind(
    factory: Callable[..., object], engine: Engine
) -> None:
    other = create_async_engine(engine.url) if factory is SessionFactory else engine
    for wrong in (str(engine.url), engine.url, None, other):
        with pytest.raises(TypeError, match=r"^a factory takes an \w+ or \w+, not "):
            factory(wrong)


def test_a_block_begins_by_itself(engine: Engine) -> None:
    with pytest.raises(ValueError, match=r"^a session that acts begins by itself"):
        SessionFactory(engine, autobegin=False)
    with pytest.raises(ValueError, match=r"^a session that acts begins by itself"):
        AsyncSessionFactory(create_async_engine(engine.url), autobegin=False)


def test_an_actor_on_a_session_of_ones_own(engine: Engine, user: UUID) -> None:
    with Session(engine) as session:
        session.info["actor"] = Actor.user(user)
        assert_acts_as(session, user)
    with sessionmaker(engine, info={"actor": Actor.user(user)})() as session:
        assert_acts_as(session, user)


async def test_an_actor_on_an_async_session_of_ones_own(logins: Logins, user: UUID) -> None:
    engine = create_async_engine(logins.member)
    async with AsyncSession(engine) as session:
        session.info["actor"] = Actor.user(user)
        await session.run_sync(assert_acts_as, user)
    await engine.dispose()


def test_a_session_without_an_actor_is_left_alone(engine: Engine) -> None:
    with Session(engine) as session:
        assert session.scalar(text("select current_user = session_user"))
        assert session.scalar(text("select current_setting('request.headers', true)")) in {None, ""}


def test_a_session_acts_for_listeners_of_the_application_too(engine: Engine, user: UUID) -> None:
    found = []

    def listener(_session: Session, _of: SessionTransaction, connection: Connection) -> None:
        found.append(connection.scalar(text("select current_user")))

    with Session(engine, info={"actor": Actor.user(user)}) as session:
        event.listen(session, "after_begin", listener)
        session.connection()
    assert found == ["authenticated"]


async def test_an_async_block_ends_like_a_sync_one(logins: Logins, user: UUID) -> None:
    async with async_sessions(logins.member) as sessions:
        async with sessions.as_user(user) as session:
            session.add(Note(owner=user))
            await session.commit()
            async with session.begin_nested():
                session.add(Note(owner=user))

        async def fail() -> None:
            async with sessions.as_user(user) as session:
                session.add(Note(owner=user))
                await session.flush()
                raise LookupError

        with pytest.raises(LookupError):
            await fail()
        async with sessions.as_anonymous() as session:
            assert (await session.scalars(select(Note))).all() == []
        async with sessions.as_service() as session:
            count = select(func.count()).where(Note.owner == user)
            assert await session.scalar(count) == 2


async def test_async_sessions_at_the_same_time(logins: Logins) -> None:
    async with async_sessions(logins.member) as sessions:

        async def act(user: UUID) -> None:
            for _ in range(5):
                async with sessions.as_user(user) as session:
                    await session.run_sync(assert_acts_as, user)
                    await asyncio.sleep(0)
                    await session.commit()
                    await session.run_sync(assert_acts_as, user)

        await asyncio.gather(*(act(uuid4()) for _ in range(8)))


def _answers(engine: Engine, actor: Actor | None) -> int:
    """Count how often the server said that it is ready, from a transaction's begin to its end."""
    with engine.connect() as connection:  # the pool's only one
        driver = cast("psycopg.Connection", connection.connection.driver_connection)
    with Session(engine, info={"actor": actor}) as session, tempfile.TemporaryFile() as trace:
        driver.pgconn.trace(trace.fileno())
        session.execute(text("select 1"))
        session.commit()
        driver.pgconn.untrace()
        trace.seek(0)
        return trace.read().count(b"ReadyForQuery")


def test_acting_costs_one_round_trip(engine: Engine, user: UUID) -> None:
    assert _answers(engine, Actor.user(user)) == _answers(engine, None) + 1


def test_a_savepoint_costs_nothing_more(engine: Engine, user: UUID) -> None:
    statements: list[str] = []
    event.listen(
        engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, *_: statements.append(statement),
    )
    with SessionFactory(engine).as_user(user) as session, session.begin_nested():
        session.execute(text("select 1"))
    assert [statement.split()[0].lower() for statement in statements] == [
        "select",
        "savepoint",
        "select",
        "release",
    ]
