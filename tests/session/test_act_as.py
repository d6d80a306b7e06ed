"""``act_as``: sessions that an application makes itself act as an actor."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import (
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import Session, scoped_session, sessionmaker

import townhall
from tests.session.database import Note
from tests.session.scenarios import SCENARIOS, assert_acts_as
from tests.session.ways import every_way
from townhall.session import Actor, ActorError, SessionFactory, act_as

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg
    from sqlalchemy import Connection, Engine
    from sqlalchemy.orm import SessionTransaction

    from tests.session.database import Logins
    from tests.session.scenarios import Scenario


def test_package_exports_the_function() -> None:
    assert townhall.act_as is act_as


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario.__name__ for scenario in SCENARIOS])
def test_scenario_runs_on_a_session_of_the_application(
    engine: Engine, scenario: Scenario, user: UUID
) -> None:
    with Session(engine) as session:
        act_as(session, Actor.user(user))
        scenario(session, user)


def test_session_of_a_sessionmaker_acts(engine: Engine, user: UUID) -> None:
    make = sessionmaker(engine, info={"request": 7})
    with make() as session:
        act_as(session, Actor.user(user))
        assert_acts_as(session, user)
        assert session.info == {"request": 7, "actor": Actor.user(user)}


def test_current_session_of_a_scoped_session_acts(engine: Engine, user: UUID) -> None:
    scoped = scoped_session(sessionmaker(engine))
    act_as(scoped, Actor.user(user))
    assert_acts_as(scoped(), user)
    scoped.remove()
    assert scoped.scalar(text("select current_user = session_user"))
    scoped.remove()


async def test_async_session_acts(logins: Logins, user: UUID) -> None:
    engine = create_async_engine(logins.member)
    async with AsyncSession(engine) as session:
        act_as(session, Actor.user(user))
        await session.run_sync(assert_acts_as, user)
        await session.commit()
        await session.run_sync(assert_acts_as, user)
    scoped = async_scoped_session(async_sessionmaker(engine), scopefunc=lambda: None)
    act_as(scoped, Actor.user(user))
    assert await scoped.scalar(text("select current_user")) == "authenticated"
    await scoped.remove()
    await engine.dispose()


def test_session_acts_when_told_in_a_begin_block(engine: Engine, user: UUID) -> None:
    with Session(engine) as session, session.begin():
        act_as(session, Actor.user(user))
        assert_acts_as(session, user)
    with sessionmaker(engine).begin() as session:
        act_as(session, Actor.user(user))
        assert_acts_as(session, user)


def test_session_acts_when_told_before_its_first_statement(engine: Engine, user: UUID) -> None:
    with Session(engine) as session:
        session.add(Note(owner=user))
        act_as(session, Actor.user(user))
        session.flush()
        assert_acts_as(session, user)


def test_session_acts_as_long_as_it_is_used(engine: Engine, user: UUID) -> None:
    with Session(engine) as session:
        act_as(session, Actor.user(user))
        for end in (session.commit, session.rollback, session.close, session.reset):
            assert_acts_as(session, user)
            end()
        assert_acts_as(session, user)


def test_session_acts_as_another_actor_after_the_transaction(engine: Engine) -> None:
    with Session(engine) as session:
        for _ in range(3):
            user = uuid4()
            act_as(session, Actor.user(user))
            act_as(session, Actor.user(user))
            assert_acts_as(session, user)
            session.commit()
        session.info["actor"] = Actor.service()
        assert session.scalar(text("select current_user")) == "service_role"


@pytest.mark.parametrize("nested", [False, True])
def test_session_that_has_begun_as_the_login_role_is_refused(
    engine: Engine, user: UUID, *, nested: bool
) -> None:
    with Session(engine) as session:
        session.execute(text("select 1"))
        if nested:
            session.begin_nested()
        with pytest.raises(ActorError, match="commit or roll back first"):
            act_as(session, Actor.user(user))
        assert session.info == {}
        assert session.scalar(text("select current_user = session_user"))
        session.rollback() if not nested else session.close()
        act_as(session, Actor.user(user))
        assert_acts_as(session, user)


def test_session_that_has_begun_as_another_actor_is_refused(engine: Engine, user: UUID) -> None:
    with SessionFactory(engine).as_user(user) as session:
        assert_acts_as(session, user)
        act_as(session, Actor.user(user))
        with pytest.raises(ActorError, match="commit or roll back first"):
            act_as(session, Actor.service())
        assert_acts_as(session, user)
        session.rollback()
        act_as(session, Actor.service())
        assert session.scalar(text("select current_user")) == "service_role"


@every_way
def test_session_whose_actor_was_deleted_is_refused(
    owner_engine: Engine, user: UUID, run: Callable[[Session], object]
) -> None:
    with Session(owner_engine) as session:
        act_as(session, Actor.user(user))
        del session.info["actor"]
        for _ in range(2):
            with pytest.raises(ActorError, match="has no actor"):
                run(session)
            session.rollback()


@pytest.mark.parametrize("value", [None, "service_role", Actor, {}], ids=repr)
def test_value_that_is_no_actor_is_refused(engine: Engine, value: Any) -> None:  # noqa: ANN401  the point
    with Session(engine) as session, pytest.raises(TypeError, match="not an Actor"):
        act_as(session, value)


@pytest.mark.parametrize("value", [None, sessionmaker(), Session], ids=repr)
def test_value_that_is_no_session_is_refused(value: Any) -> None:  # noqa: ANN401  the point
    with pytest.raises(TypeError, match=r"^act_as takes a session, not a "):
        act_as(value, Actor.service())


def test_listeners_of_the_session_run_while_it_acts(engine: Engine, user: UUID) -> None:
    roles = []

    def earlier(_session: Session, _of: SessionTransaction, connection: Connection) -> None:
        roles.append(connection.scalar(text("select current_user")))

    def later(_session: Session, _of: SessionTransaction, connection: Connection) -> None:
        roles.append(connection.scalar(text("select current_user")))

    with Session(engine) as session:
        event.listen(session, "after_begin", earlier)
        act_as(session, Actor.user(user))
        event.listen(session, "after_begin", later)
        session.connection()
    assert roles == ["authenticated", "authenticated"]


@pytest.mark.thorough
def test_session_that_acts_is_garbage_collected_with_its_transaction_open(
    owner_engine: Engine, user: UUID
) -> None:
    session = Session(owner_engine)
    act_as(session, Actor.user(user))
    assert_acts_as(session, user)
    reference = weakref.ref(session)
    fairy = session.connection().connection
    driver = cast("psycopg.Connection", fairy.driver_connection)
    fairy.detach()  # else the pool warns of a connection that was not returned
    del session, fairy
    gc.collect()
    assert reference() is None
    driver.close()
