"""When a session is stopped because it would not act as its actor, and what the error says."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from tests.session.scenarios import assert_acts_as
from tests.session.ways import every_way
from townhall.session import (
    ActingSession,
    Actor,
    ActorError,
    RoleNotGranted,
    SessionFactory,
    act_as,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from tests.session.database import Logins


@every_way
def test_acting_session_without_an_actor_is_refused(
    owner_engine: Engine, run: Callable[[Session], object]
) -> None:
    with ActingSession(owner_engine) as session:
        for _ in range(2):
            with pytest.raises(ActorError, match="has no actor"):
                run(session)
            session.rollback()


@every_way
def test_statement_after_a_refused_begin_is_refused(
    owner_engine: Engine, run: Callable[[Session], object]
) -> None:
    with ActingSession(owner_engine) as session:
        with pytest.raises(ActorError, match="has no actor"):
            session.connection()
        with pytest.raises(ActorError, match="did not begin as the session's actor"):
            run(session)


@pytest.mark.parametrize("value", [UUID(int=7), "service_role", {}, Actor], ids=repr)
def test_value_that_is_no_actor_is_refused(owner_engine: Engine, value: object) -> None:
    with (
        ActingSession(owner_engine, info={"actor": value}) as session,
        pytest.raises(ActorError, match="not an Actor"),
    ):
        session.execute(text("select 1"))


_CHANGES: dict[str, Callable[[Session], object]] = {
    "set": lambda session: session.info.__setitem__("actor", Actor.service()),
    "updated": lambda session: session.info.update(actor=Actor.service()),
    "deleted": lambda session: session.info.__delitem__("actor"),
    "popped": lambda session: session.info.pop("actor"),
    "cleared": lambda session: session.info.clear(),
    "act_as": lambda session: act_as(session, Actor.service()),
}


@pytest.mark.parametrize("change", _CHANGES.values(), ids=list(_CHANGES))
@pytest.mark.parametrize("kind", ["factory", "act_as"])
def test_change_of_the_actor_within_a_transaction_is_refused(
    engine: Engine, user: UUID, change: Callable[[Session], object], kind: str
) -> None:
    made: AbstractContextManager[Session] = Session(engine)
    if kind == "factory":
        made = SessionFactory(engine).as_user(user)
    with made as session:
        act_as(session, Actor.user(user))
        assert_acts_as(session, user)
        with pytest.raises(ActorError, match="commit or roll back first"):
            change(session)
        with session.begin_nested(), pytest.raises(ActorError, match="commit or roll back first"):
            change(session)
        assert_acts_as(session, user)
        session.rollback()
        session.info["actor"] = Actor.service()
        assert session.scalar(text("select current_user")) == "service_role"


async def test_change_of_the_actor_within_a_transaction_of_an_async_session_is_refused(
    logins: Logins, user: UUID
) -> None:
    engine = create_async_engine(logins.member)
    async with AsyncSession(engine) as session:
        act_as(session, Actor.user(user))
        await session.run_sync(assert_acts_as, user)
        with pytest.raises(ActorError, match="commit or roll back first"):
            session.info["actor"] = Actor.service()
        await session.run_sync(assert_acts_as, user)
        await session.commit()
        session.info["actor"] = Actor.service()
        assert await session.scalar(text("select current_user")) == "service_role"
    await engine.dispose()


def test_actor_may_change_between_transactions(engine: Engine) -> None:
    first, second = uuid4(), uuid4()
    with SessionFactory(engine).as_user(first) as session:
        assert_acts_as(session, first)
        session.commit()
        session.info["actor"] = Actor.user(second)
        assert_acts_as(session, second)


def test_equal_actor_is_no_change(engine: Engine, user: UUID) -> None:
    with SessionFactory(engine).as_user(user) as session:
        assert_acts_as(session, user)
        session.info["actor"] = Actor.user(user)
        assert_acts_as(session, user)


@pytest.mark.parametrize("ending", ["commit", "rollback", "end /* all */", "abort"])
def test_statement_after_the_transaction_was_ended_by_sql_text_is_refused(
    engine: Engine, user: UUID, ending: str
) -> None:
    with SessionFactory(engine).as_user(user) as session:
        session.execute(text(ending))
        with pytest.raises(ActorError, match="ended by a statement or by the driver"):
            session.execute(text("select 1"))
        session.rollback()
        assert_acts_as(session, user)


def test_statement_after_the_transaction_was_ended_by_the_driver_is_refused(
    engine: Engine, user: UUID
) -> None:
    with SessionFactory(engine).as_user(user) as session:
        session.connection().connection.commit()
        with pytest.raises(ActorError, match="ended by a statement or by the driver"):
            session.execute(text("select 1"))
        session.rollback()


@pytest.mark.parametrize("way", ["engine", "options of the engine", "connection"])
def test_connection_in_autocommit_is_refused(
    logins: Logins, make_engine: Callable[..., Engine], user: UUID, way: str
) -> None:
    level = {"isolation_level": "AUTOCOMMIT"}
    engine = make_engine(logins.owner, **(level if way == "engine" else {}))
    bind = engine.execution_options(**level) if way == "options of the engine" else engine
    with Session(bind) as session:
        act_as(session, Actor.user(user))
        with pytest.raises(ActorError, match="AUTOCOMMIT"):
            session.connection(execution_options=level if way == "connection" else {})
        with pytest.raises(ActorError, match="did not begin as the session's actor"):
            session.execute(text("select 1"))


def test_two_phase_session_is_refused(owner_engine: Engine, user: UUID) -> None:
    with SessionFactory(owner_engine, twophase=True).as_user(user) as session:
        with pytest.raises(ActorError, match="can't prepare its transaction"):
            session.execute(text("select 1"))
        with pytest.raises(ActorError, match="did not begin as the session's actor"):
            session.execute(text("select 1"))
        session.rollback()


def test_another_driver_is_refused(user: UUID) -> None:
    with Session(create_engine("sqlite://")) as session:
        act_as(session, Actor.user(user))
        with pytest.raises(ActorError, match="psycopg 3"):
            session.execute(text("select 1"))


@pytest.mark.parametrize(
    "actor", [Actor.user(UUID(int=7)), Actor.service(), Actor.anonymous()], ids=repr
)
def test_role_that_is_not_granted_is_an_error_that_names_the_grant(
    logins: Logins, make_engine: Callable[..., Engine], actor: Actor
) -> None:
    engine = make_engine(logins.stranger)
    with pytest.raises(RoleNotGranted) as refusal, SessionFactory(engine).acting(actor) as session:
        session.execute(text("select 1"))
    assert isinstance(refusal.value.__cause__, DBAPIError)
    assert f'grant {actor.role} to "{logins.stranger.username}"' in str(refusal.value)


def test_executing_the_grant_of_the_error_lets_the_session_act(
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


async def test_role_that_is_not_granted_is_an_error_of_an_async_session_too(
    logins: Logins, user: UUID
) -> None:
    engine = create_async_engine(logins.stranger)
    async with AsyncSession(engine) as session:
        act_as(session, Actor.user(user))
        with pytest.raises(RoleNotGranted, match=f'grant .* to "{logins.stranger.username}"'):
            await session.execute(text("select 1"))
    await engine.dispose()


def test_role_that_does_not_exist_is_an_error_that_says_what_to_do(engine: Engine) -> None:
    actor = replace(Actor.service(), role="townhall_nowhere")
    with (
        pytest.raises(
            ActorError, match=r'"townhall_nowhere" does not exist .*alembic upgrade heads'
        ),
        SessionFactory(engine).acting(actor) as session,
    ):
        session.execute(text("select 1"))


def test_claims_and_headers_are_in_no_error_and_no_log(
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
