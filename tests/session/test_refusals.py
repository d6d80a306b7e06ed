"""When a session stops, since it would go on as somebody else, and what it says then."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from sqlalchemy import create_engine, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from tests.session.database import Note
from tests.session.scenarios import assert_acts_as
from townhall.session import (
    ActingSession,
    Actor,
    ActorError,
    RoleNotGranted,
    SessionFactory,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

    from tests.session.database import Logins


def _flush(session: Session) -> None:
    session.add(Note(owner=uuid4()))
    session.flush()


def _commit(session: Session) -> None:
    session.add(Note(owner=uuid4()))
    session.commit()


def _savepoint(session: Session) -> None:
    session.begin_nested()
    session.connection()


WAYS_TO_RUN_SQL: dict[str, Callable[[Session], object]] = {
    "execute": lambda session: session.execute(text("select 1")),
    "select": lambda session: session.scalars(select(Note)),
    "get": lambda session: session.get(Note, uuid4()),
    "flush": _flush,
    "commit": _commit,
    "bulk": lambda session: session.bulk_insert_mappings(Note.__mapper__, [{"owner": uuid4()}]),
    "many": lambda session: session.execute(insert(Note), [{"owner": uuid4()}] * 2),
    "connection": lambda session: session.connection().execute(text("select 1")),
    "driver SQL": lambda session: session.connection().exec_driver_sql("select 1"),
    "savepoint": _savepoint,
}
every_way = pytest.mark.parametrize("run", WAYS_TO_RUN_SQL.values(), ids=list(WAYS_TO_RUN_SQL))


@every_way
def test_a_session_of_ours_without_an_actor(
    owner_engine: Engine, run: Callable[[Session], object]
) -> None:
    with ActingSession(owner_engine) as session:
        for _ in range(2):
            with pytest.raises(ActorError, match="has no actor"):
                run(session)
            session.rollback()


@every_way
def test_a_refused_begin_lets_nothing_pass_later(
    owner_engine: Engine, run: Callable[[Session], object]
) -> None:
    with ActingSession(owner_engine) as session:
        with pytest.raises(ActorError, match="has no actor"):
            session.connection()
        with pytest.raises(ActorError, match="did not begin as the session's actor"):
            run(session)


@pytest.mark.parametrize("nobody", [UUID(int=7), "service_role", {}, Actor], ids=repr)
def test_something_that_is_no_actor(owner_engine: Engine, nobody: object) -> None:
    with (
        Session(owner_engine, info={"actor": nobody}) as session,
        pytest.raises(ActorError, match="not an Actor"),
    ):
        session.execute(text("select 1"))


@every_way
def test_an_actor_changed_within_a_transaction(
    engine: Engine, user: UUID, run: Callable[[Session], object]
) -> None:
    with SessionFactory(engine).as_user(user) as session:
        assert_acts_as(session, user)
        session.info["actor"] = Actor.service()
        with pytest.raises(ActorError, match="commit or roll back first"):
            run(session)
        session.rollback()
        assert session.scalar(text("select current_user")) == "service_role"


@every_way
def test_an_actor_taken_away_within_a_transaction(
    engine: Engine, user: UUID, run: Callable[[Session], object]
) -> None:
    with SessionFactory(engine).as_user(user) as session:
        assert_acts_as(session, user)
        del session.info["actor"]
        with pytest.raises(ActorError, match="commit or roll back first"):
            run(session)
        session.rollback()
        session.info["actor"] = Actor.user(user)
        assert_acts_as(session, user)


@every_way
def test_an_actor_put_on_a_plain_session_too_late(
    owner_engine: Engine, user: UUID, run: Callable[[Session], object]
) -> None:
    with Session(owner_engine) as session:
        session.execute(text("select 1"))
        session.info["actor"] = Actor.user(user)
        with pytest.raises(ActorError, match="commit or roll back first"):
            run(session)
        session.rollback()
        assert_acts_as(session, user)


async def test_an_async_session_whose_actor_changed(logins: Logins, user: UUID) -> None:
    engine = create_async_engine(logins.member)
    async with AsyncSession(engine, info={"actor": Actor.user(user)}) as session:
        await session.run_sync(assert_acts_as, user)
        session.info["actor"] = Actor.service()
        with pytest.raises(ActorError, match="commit or roll back first"):
            await session.execute(text("select 1"))
        await session.commit()
        assert await session.scalar(text("select current_user")) == "service_role"
    await engine.dispose()


def test_an_actor_may_change_between_transactions(engine: Engine) -> None:
    first, second = uuid4(), uuid4()
    with SessionFactory(engine).as_user(first) as session:
        assert_acts_as(session, first)
        session.commit()
        session.info["actor"] = Actor.user(second)
        assert_acts_as(session, second)


def test_an_equal_actor_is_no_change(engine: Engine, user: UUID) -> None:
    with SessionFactory(engine).as_user(user) as session:
        assert_acts_as(session, user)
        session.info["actor"] = Actor.user(user)
        assert_acts_as(session, user)


def test_a_changed_actor_does_not_stop_a_savepoint_from_being_rolled_back(
    engine: Engine, user: UUID
) -> None:
    with SessionFactory(engine).as_user(user) as session:
        savepoint = session.begin_nested()
        assert_acts_as(session, user)
        session.info["actor"] = Actor.service()
        with pytest.raises(ActorError):
            session.execute(text("select 1"))
        savepoint.rollback()
        session.info["actor"] = Actor.user(user)
        assert_acts_as(session, user)


@pytest.mark.parametrize("ending", ["commit", "rollback", "end /* all */", "abort"])
def test_a_transaction_ended_by_text(engine: Engine, user: UUID, ending: str) -> None:
    with SessionFactory(engine).as_user(user) as session:
        session.execute(text(ending))
        with pytest.raises(ActorError, match="behind the session's back"):
            session.execute(text("select 1"))
        session.rollback()
        assert_acts_as(session, user)


def test_a_transaction_ended_by_the_driver(engine: Engine, user: UUID) -> None:
    with SessionFactory(engine).as_user(user) as session:
        session.connection().connection.commit()
        with pytest.raises(ActorError, match="behind the session's back"):
            session.execute(text("select 1"))
        session.rollback()


@pytest.mark.parametrize("way", ["engine", "options of the engine", "connection"])
def test_autocommit(
    logins: Logins, make_engine: Callable[..., Engine], user: UUID, way: str
) -> None:
    level = {"isolation_level": "AUTOCOMMIT"}
    engine = make_engine(logins.owner, **(level if way == "engine" else {}))
    bind = engine.execution_options(**level) if way == "options of the engine" else engine
    with Session(bind, info={"actor": Actor.user(user)}) as session:
        with pytest.raises(ActorError, match="AUTOCOMMIT"):
            session.connection(execution_options=level if way == "connection" else {})
        with pytest.raises(ActorError, match="did not begin as the session's actor"):
            session.execute(text("select 1"))


def test_a_transaction_to_be_prepared(owner_engine: Engine, user: UUID) -> None:
    with SessionFactory(owner_engine, twophase=True).as_user(user) as session:
        with pytest.raises(ActorError, match="can't prepare its transaction"):
            session.execute(text("select 1"))
        with pytest.raises(ActorError, match="did not begin as the session's actor"):
            session.execute(text("select 1"))
        session.rollback()


def test_another_driver(user: UUID) -> None:
    with (
        Session(create_engine("sqlite://"), info={"actor": Actor.user(user)}) as session,
        pytest.raises(ActorError, match="psycopg 3"),
    ):
        session.execute(text("select 1"))


@pytest.mark.parametrize(
    "actor", [Actor.user(UUID(int=7)), Actor.service(), Actor.anonymous()], ids=repr
)
def test_a_role_that_is_not_granted(
    logins: Logins, make_engine: Callable[..., Engine], actor: Actor
) -> None:
    engine = make_engine(logins.stranger)
    with pytest.raises(RoleNotGranted) as refusal, SessionFactory(engine).acting(actor) as session:
        session.execute(text("select 1"))
    assert isinstance(refusal.value.__cause__, DBAPIError)
    assert f'grant {actor.role} to "{logins.stranger.username}"' in str(refusal.value)


def test_doing_what_the_refusal_says_helps(
    logins: Logins, make_engine: Callable[..., Engine], owner_engine: Engine, user: UUID
) -> None:
    sessions = SessionFactory(make_engine(logins.stranger))
    stranger = f'"{logins.stranger.username}"'
    with owner_engine.connect() as connection:
        if connection.connection.driver_connection.info.server_version >= 160000:  # type: ignore[union-attr]  # psycopg's
            connection.execute(text(f"grant authenticated to {stranger} with set false"))
            connection.commit()
        with pytest.raises(RoleNotGranted) as refusal, sessions.as_user(user) as session:
            session.execute(text("select 1"))
        connection.execute(text(str(refusal.value).partition(": ")[2]))
        connection.commit()
        with sessions.as_user(user) as session:
            assert_acts_as(session, user)
        connection.execute(text(f"revoke authenticated from {stranger}"))
        connection.commit()


async def test_a_role_that_is_not_granted_to_an_async_session(logins: Logins, user: UUID) -> None:
    engine = create_async_engine(logins.stranger)
    async with AsyncSession(engine, info={"actor": Actor.user(user)}) as session:
        with pytest.raises(RoleNotGranted, match=f'grant .* to "{logins.stranger.username}"'):
            await session.execute(text("select 1"))
    await engine.dispose()


def test_a_role_that_does_not_exist(engine: Engine) -> None:
    actor = replace(Actor.service(), role="townhall_nowhere")
    with (
        pytest.raises(
            ActorError, match=r'"townhall_nowhere" does not exist .*alembic upgrade head'
        ),
        SessionFactory(engine).acting(actor) as session,
    ):
        session.execute(text("select 1"))


def test_claims_and_headers_show_in_no_error_and_no_log(
    logins: Logins, make_engine: Callable[..., Engine], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="sqlalchemy")
    user = uuid4()
    actor = Actor.user(user, {"email": "noa@example.org"}, {"cookie": "swordfish"})
    for url, failure in ((logins.stranger, RoleNotGranted), (logins.member, DBAPIError)):
        engine = make_engine(url, echo="debug")
        with pytest.raises(failure) as raised, SessionFactory(engine).acting(actor) as session:
            session.execute(text("select 1 / 0"))
        shown = "\n".join(_everything_about(raised.value))
        assert "set_config" in caplog.text
        for secret in ("noa@example.org", "swordfish", str(user)):
            assert secret not in shown
            assert secret not in caplog.text


def _everything_about(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield from (str(error), repr(error), repr(vars(error)))
        error = error.__cause__ or error.__context__
