"""Several sessions on one connection: which of them acts, and what the others are refused."""

from __future__ import annotations

import gc
from contextlib import ExitStack
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from sqlalchemy import StaticPool, create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from tests.session.scenarios import assert_acts_as
from tests.session.ways import WAYS_TO_RUN_SQL
from townhall.session import Actor, ActorError, AsyncSessionFactory, SessionFactory, act_as

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine

    from tests.session.database import Logins


# After an error of the legacy bulk methods SQLAlchemy rolls back, and with it the later session.
every_way_that_does_not_roll_back = pytest.mark.parametrize(
    "run", [pytest.param(run, id=way) for way, run in WAYS_TO_RUN_SQL.items() if way != "bulk"]
)


@pytest.fixture
def connection(owner_engine: Engine) -> Iterator[Connection]:
    with owner_engine.connect() as connection:
        connection.begin()
        yield connection


@pytest.fixture(params=["factory", "act_as"])
def open_session(
    request: pytest.FixtureRequest, connection: Connection
) -> Iterator[Callable[[UUID], Session]]:
    """Open sessions that act on the connection, and close the last one first."""
    with ExitStack() as stack:

        def open_session(user: UUID) -> Session:
            if request.param == "factory":
                return stack.enter_context(SessionFactory(connection).as_user(user))
            session = Session(connection, join_transaction_mode="create_savepoint")
            act_as(stack.enter_context(session), Actor.user(user))
            return session

        yield open_session


def _two_sessions(connection: Connection) -> tuple[Session, Session]:
    earlier, later = (
        Session(connection, join_transaction_mode="create_savepoint") for _ in range(2)
    )
    act_as(earlier, Actor.user(uuid4()))
    act_as(later, Actor.user(uuid4()))
    return earlier, later


@every_way_that_does_not_roll_back
def test_statement_of_the_earlier_session_is_refused_while_a_later_one_acts(
    open_session: Callable[[UUID], Session], run: Callable[[Session], object]
) -> None:
    first, second = uuid4(), uuid4()
    earlier, later = open_session(first), open_session(second)
    assert_acts_as(earlier, first)
    assert_acts_as(later, second)
    with pytest.raises(ActorError, match=r"another session acts .* role authenticated"):
        run(earlier)
    earlier.expunge_all()
    assert_acts_as(later, second)
    later.commit()
    assert_acts_as(earlier, first)


def test_sessions_act_in_turn_each_after_the_end_of_the_other_transaction(
    open_session: Callable[[UUID], Session],
) -> None:
    users = [uuid4() for _ in range(3)]
    sessions = [open_session(user) for user in users]
    for end in (Session.commit, Session.rollback, Session.close):
        for user, session in zip(users, sessions, strict=True):
            assert_acts_as(session, user)
            end(session)


def test_commit_of_the_earlier_session_is_refused_while_a_later_one_acts(
    open_session: Callable[[UUID], Session],
) -> None:
    first, second = uuid4(), uuid4()
    earlier, later = open_session(first), open_session(second)
    assert_acts_as(earlier, first)
    assert_acts_as(later, second)
    with pytest.raises(ActorError, match="another session acts"):
        earlier.commit()
    assert_acts_as(later, second)
    later.commit()
    assert_acts_as(earlier, first)


@pytest.mark.filterwarnings("ignore:nested transaction already deassociated")
def test_bulk_statement_of_the_earlier_session_is_refused_while_a_later_one_acts(
    connection: Connection,
) -> None:
    earlier, later = _two_sessions(connection)
    earlier.connection()
    later.connection()
    with pytest.raises(ActorError, match="another session acts"):
        WAYS_TO_RUN_SQL["bulk"](earlier)
    connection.rollback()


@pytest.mark.filterwarnings("ignore:nested transaction already deassociated")
@pytest.mark.parametrize("undo", ["rollback", "close", "savepoint"])
@every_way_that_does_not_roll_back
def test_statement_of_a_later_session_is_refused_after_the_earlier_one_undid_it(
    connection: Connection, run: Callable[[Session], object], undo: str
) -> None:
    earlier, later = _two_sessions(connection)
    savepoint = earlier.begin_nested()
    earlier.connection()
    later.connection()
    {"rollback": earlier.rollback, "close": earlier.close, "savepoint": savepoint.rollback}[undo]()
    with pytest.raises(ActorError, match="was undone together with"):
        run(later)


def test_session_that_was_forgotten_does_not_block_the_connection(connection: Connection) -> None:
    forgotten = Session(connection, join_transaction_mode="create_savepoint")
    act_as(forgotten, Actor.user(uuid4()))
    forgotten.connection()
    del forgotten
    gc.collect()
    user = uuid4()
    with SessionFactory(connection).as_user(user) as session:
        assert_acts_as(session, user)


def test_sessions_of_an_engine_with_one_connection_do_not_act_as_each_other(
    logins: Logins,
) -> None:
    engine = create_engine(logins.member, poolclass=StaticPool)
    first, second = uuid4(), uuid4()
    sessions = SessionFactory(engine)
    with sessions.as_user(first) as earlier:
        assert_acts_as(earlier, first)
        with sessions.as_user(second) as later:
            assert_acts_as(later, second)
            with pytest.raises(ActorError, match="another session acts"):
                earlier.execute(text("select 1"))
        earlier.rollback()
        assert_acts_as(earlier, first)
    engine.dispose()


async def test_statement_of_the_earlier_async_session_is_refused_while_a_later_one_acts(
    logins: Logins,
) -> None:
    engine = create_async_engine(logins.owner)
    first, second = uuid4(), uuid4()
    async with engine.connect() as connection, connection.begin():
        sessions = AsyncSessionFactory(connection)
        async with sessions.as_user(first) as earlier:
            await earlier.run_sync(assert_acts_as, first)
            async with AsyncSession(connection) as later:
                act_as(later, Actor.user(second))
                await later.run_sync(assert_acts_as, second)
                for run in (earlier.connection, earlier.commit):
                    with pytest.raises(ActorError, match="another session acts"):
                        await run()
                with pytest.raises(ActorError, match="another session acts"):
                    await earlier.execute(text("select 1"))
            await earlier.run_sync(assert_acts_as, first)
    await engine.dispose()
