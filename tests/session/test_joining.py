"""Sessions that join a transaction of a connection, as in tests that roll everything back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from tests.session.database import Note
from tests.session.scenarios import SCENARIOS, assert_acts_as
from townhall.session import Actor, AsyncSessionFactory, SessionFactory, act_as

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine
    from sqlalchemy.orm.session import JoinTransactionMode

    from tests.session.database import Logins
    from tests.session.scenarios import Scenario

_STATE = text(
    """
    select
      current_user = session_user,
      coalesce(current_setting('request.jwt.claims', true), ''),
      coalesce(current_setting('request.jwt.claim.sub', true), ''),
      coalesce(current_setting('request.headers', true), '')
    """
)


@pytest.fixture
def connection(owner_engine: Engine) -> Iterator[Connection]:
    with owner_engine.connect() as connection:
        connection.begin()
        yield connection


def _is_as_it_was(connection: Connection) -> bool:
    return tuple(connection.execute(_STATE).one()) == (True, "", "", "")


class _RoutingSession(Session):
    """A session that decides itself on which connection it runs a statement."""

    def get_bind(self, *arguments: Any, **options: Any) -> Engine | Connection:  # noqa: ANN401  SQLAlchemy's
        routed: Connection | None = self.info.get("connection")
        return super().get_bind(*arguments, **options) if routed is None else routed


def _sync_connection(connection: Connection | AsyncConnection) -> Connection | None:
    return connection.sync_connection if isinstance(connection, AsyncConnection) else connection


# The options of the session, and the arguments that its connection is then asked for with.
_OTHER_WAYS_TO_BIND: dict[str, Callable[[Any], tuple[dict[str, Any], dict[str, Any]]]] = {
    "binds": lambda connection: ({"binds": {Note: connection}}, {"mapper": Note}),
    "bind_arguments": lambda connection: ({}, {"bind": _sync_connection(connection)}),
    "get_bind": lambda connection: ({"info": {"connection": _sync_connection(connection)}}, {}),
}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario.__name__ for scenario in SCENARIOS])
def test_scenario_leaves_the_connection_as_it_was(
    connection: Connection, scenario: Scenario, user: UUID
) -> None:
    with SessionFactory(connection).as_user(user) as session:
        scenario(session, user)
    assert _is_as_it_was(connection)


def test_connection_is_left_as_it_was_after_success_and_failure(
    connection: Connection, user: UUID
) -> None:
    sessions = SessionFactory(connection)
    with sessions.as_user(user, request_headers={"a": "b"}) as session:
        session.add(Note(owner=user))
        session.commit()
        assert _is_as_it_was(connection)
        assert_acts_as(session, user)
    assert _is_as_it_was(connection)
    count = select(func.count()).where(Note.owner == user)
    assert connection.scalar(count) == 1
    with pytest.raises(DBAPIError), sessions.as_user(user) as session:
        session.execute(text("select 1 / 0"))
    assert _is_as_it_was(connection)
    assert connection.scalar(count) == 1


def test_outer_session_acts_as_its_own_actor_after_an_inner_one(connection: Connection) -> None:
    outer, inner = uuid4(), uuid4()
    sessions = SessionFactory(connection)
    with sessions.as_user(outer) as outside:
        assert_acts_as(outside, outer)
        with sessions.as_user(inner) as inside:
            assert_acts_as(inside, inner)
        assert_acts_as(outside, outer)


@pytest.mark.parametrize("mode", ["rollback_only", "control_fully", "conditional_savepoint"])
def test_connection_is_left_as_it_was_with_every_join_mode(
    connection: Connection, user: UUID, mode: JoinTransactionMode
) -> None:
    for end in (Session.commit, Session.rollback, Session.close):
        with Session(connection, join_transaction_mode=mode) as session:
            act_as(session, Actor.user(user))
            assert_acts_as(session, user)
            end(session)
        assert _is_as_it_was(connection)


@pytest.mark.parametrize("way", _OTHER_WAYS_TO_BIND)
def test_connection_that_is_not_the_bind_of_the_session_is_left_as_it_was(
    connection: Connection, user: UUID, way: str
) -> None:
    for end in (Session.commit, Session.rollback, Session.close):
        options, bind_arguments = _OTHER_WAYS_TO_BIND[way](connection)
        with _RoutingSession(join_transaction_mode="create_savepoint", **options) as session:
            act_as(session, Actor.user(user))
            joined = session.connection(bind_arguments)
            assert joined is connection
            assert joined.scalar(text("select current_user")) == "authenticated"
            end(session)
        assert _is_as_it_was(connection)


def test_failed_transaction_is_left_to_be_rolled_back(connection: Connection, user: UUID) -> None:
    with Session(connection, join_transaction_mode="rollback_only") as session:
        act_as(session, Actor.user(user))
        with pytest.raises(DBAPIError):
            session.execute(text("select 1 / 0"))
        session.close()
    connection.rollback()
    assert _is_as_it_was(connection)


def test_connection_that_was_lost_is_released(
    connection: Connection, logins: Logins, make_engine: Callable[..., Engine], user: UUID
) -> None:
    with Session(connection, join_transaction_mode="rollback_only") as session:
        act_as(session, Actor.user(user))
        backend = session.scalar(text("select pg_backend_pid()"))
        with make_engine(logins.owner).connect() as other:
            other.execute(text("select pg_terminate_backend(:pid, 5000)"), {"pid": backend})
        with pytest.raises(DBAPIError):
            session.execute(text("select 1"))
    connection.rollback()
    assert _is_as_it_was(connection)


def test_consecutive_actors_on_one_connection_act_each_as_their_own_user(
    connection: Connection,
) -> None:
    sessions = SessionFactory(connection)
    for _ in range(3):
        user = uuid4()
        with sessions.as_user(user) as session:
            assert_acts_as(session, user)
        with sessions.as_service() as session:
            assert session.scalar(text("select current_user")) == "service_role"


async def test_async_session_joins_a_transaction(logins: Logins, user: UUID) -> None:
    engine = create_async_engine(logins.owner)
    async with engine.connect() as connection, connection.begin() as transaction:
        async with AsyncSessionFactory(connection).as_user(user) as session:
            session.add(Note(owner=user))
            await session.commit()
            await session.run_sync(assert_acts_as, user)
        assert await connection.run_sync(_is_as_it_was)
        await transaction.rollback()
    async with engine.connect() as connection:
        assert await connection.scalar(select(func.count()).where(Note.owner == user)) == 0
    await engine.dispose()


@pytest.mark.parametrize("way", _OTHER_WAYS_TO_BIND)
async def test_connection_that_is_not_the_bind_of_the_async_session_is_left_as_it_was(
    logins: Logins, user: UUID, way: str
) -> None:
    engine = create_async_engine(logins.owner)
    async with engine.connect() as connection, connection.begin():
        options, bind_arguments = _OTHER_WAYS_TO_BIND[way](connection)
        async with AsyncSession(sync_session_class=_RoutingSession, **options) as session:
            act_as(session, Actor.user(user))
            joined = await session.connection(bind_arguments)
            assert await joined.scalar(text("select current_user")) == "authenticated"
        assert await connection.run_sync(_is_as_it_was)
    await engine.dispose()
