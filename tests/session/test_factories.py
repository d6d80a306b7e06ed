"""The block that a factory opens: the actor of its session, and how it ends."""

from __future__ import annotations

import asyncio
import tempfile
from typing import TYPE_CHECKING, cast
from uuid import UUID, uuid4

import pytest
from sqlalchemy import create_engine, event, func, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Session

from tests.session.conftest import async_sessions
from tests.session.database import Note
from tests.session.scenarios import assert_acts_as
from townhall.session import Actor, AsyncSessionFactory, SessionFactory, act_as

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg
    from sqlalchemy import Engine, QueuePool

    from tests.session.database import Logins


def _owners(sessions: SessionFactory, owner: UUID) -> int | None:
    with sessions.as_service() as session:
        return session.scalar(select(func.count()).where(Note.owner == owner))


def test_block_commits_on_success(sessions: SessionFactory, user: UUID) -> None:
    with sessions.as_user(user) as session:
        session.add(Note(owner=user))
    assert _owners(sessions, user) == 1


def test_block_rolls_back_on_an_exception(sessions: SessionFactory, user: UUID) -> None:
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


def test_block_returns_the_connection_to_the_pool(
    sessions: SessionFactory, engine: Engine, user: UUID
) -> None:
    pool = cast("QueuePool", engine.pool)
    with sessions.as_user(user) as session:
        session.connection()
        assert pool.checkedout() == 1
    assert pool.checkedout() == 0
    with pytest.raises(ProgrammingError), sessions.as_user(user) as session:
        session.execute(text("select no_such_column"))
    assert pool.checkedout() == 0


def test_user_id_that_is_no_uuid_is_refused_before_a_connection_is_made(user: UUID) -> None:
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


def test_service_sees_all_rows(sessions: SessionFactory, user: UUID) -> None:
    with sessions.as_user(user) as session:
        session.add(Note(owner=user))
    with sessions.as_service() as session:
        assert session.scalar(text("select current_user")) == "service_role"
        assert user in session.scalars(select(Note.owner)).all()


def test_anonymous_caller_sees_and_writes_nothing(sessions: SessionFactory) -> None:
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
def test_engine_of_another_kind_is_refused(factory: Callable[..., object], engine: Engine) -> None:
    other = create_async_engine(engine.url) if factory is SessionFactory else engine
    for wrong in (str(engine.url), engine.url, None, other):
        with pytest.raises(TypeError, match=r"^a factory takes an \w+ or \w+, not "):
            factory(wrong)


def test_session_without_autobegin_is_refused(engine: Engine) -> None:
    with pytest.raises(ValueError, match=r"^a session that acts begins implicitly"):
        SessionFactory(engine, autobegin=False)
    with pytest.raises(ValueError, match=r"^a session that acts begins implicitly"):
        AsyncSessionFactory(create_async_engine(engine.url), autobegin=False)


async def test_async_block_commits_and_rolls_back(logins: Logins, user: UUID) -> None:
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


async def test_concurrent_async_sessions_act_each_as_its_user(logins: Logins) -> None:
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
    with Session(engine) as session, tempfile.TemporaryFile() as trace:
        if actor:
            act_as(session, actor)
        driver.pgconn.trace(trace.fileno())
        session.execute(text("select 1"))
        session.commit()
        driver.pgconn.untrace()
        trace.seek(0)
        return trace.read().count(b"ReadyForQuery")


def test_acting_costs_one_round_trip(engine: Engine, user: UUID) -> None:
    assert _answers(engine, Actor.user(user)) == _answers(engine, None) + 1


def test_savepoint_costs_no_further_statement(engine: Engine, user: UUID) -> None:
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
