"""Sessions that an application makes: left alone without an actor, refused with one in their info.

``act_as`` is the way to make one of them act; see ``test_act_as.py``.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, create_engine, event, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from tests.session.database import Note
from tests.session.ways import every_way, every_way_through_the_session
from townhall.session import Actor, ActorError, SessionFactory, act_as

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from tests.session.database import Logins

NO_EFFECT = r"^session\.info\['actor'\] has no effect on this session, .*act_as\(session, actor\)"


def _count(engine: Engine) -> int | None:
    with Session(engine) as session:
        return session.scalar(select(func.count()).select_from(Note))


def test_session_without_an_actor_runs_as_the_login_role(engine: Engine, user: UUID) -> None:
    with SessionFactory(engine).as_user(user) as session:
        session.connection()
    with Session(engine) as session:
        assert session.scalar(text("select current_user = session_user"))
        assert session.scalar(text("select current_setting('request.headers', true)")) in {None, ""}


def test_session_without_an_actor_is_left_as_it_is(user: UUID) -> None:
    foreign = create_engine("sqlite://")
    with Session(foreign) as session:
        Actor.user(user)
        session.execute(text("select 1"))
        session.commit()
        session.execute(text("select 1"))
        assert "info" not in vars(session)
        assert session.info == {}


@pytest.mark.thorough
def test_session_of_a_program_that_makes_no_actor_has_no_listener() -> None:
    program = """
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from townhall.session import SessionFactory

names = [name for name in dir(Session.dispatch) if not name.startswith("_")]
with Session(create_engine("sqlite://")) as session:
    session.execute(text("select 1"))
    print(session.info, [name for name in names if list(getattr(session.dispatch, name, ()))])
"""
    done = subprocess.run(  # noqa: S603  our own
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout == "{} []\n"


@every_way
def test_actor_in_the_info_is_refused_by_each_statement(
    owner_engine: Engine, user: UUID, run: Callable[[Session], object]
) -> None:
    count = _count(owner_engine)
    with Session(owner_engine, info={"actor": Actor.user(user)}) as session:
        for _ in range(2):
            with pytest.raises(ActorError, match=NO_EFFECT):
                run(session)
            session.rollback()
    assert _count(owner_engine) == count


@every_way
def test_statement_after_a_refused_begin_is_refused(
    owner_engine: Engine, user: UUID, run: Callable[[Session], object]
) -> None:
    with Session(owner_engine) as session, session.begin() as transaction:
        session.info["actor"] = Actor.user(user)
        with pytest.raises(ActorError, match=NO_EFFECT):
            session.connection()
        with pytest.raises(ActorError):
            run(session)
        transaction.rollback()


@pytest.mark.parametrize("end", ["savepoint", "session"])
def test_refused_session_leaves_the_connection_that_it_joined(
    owner_engine: Engine, user: UUID, end: str
) -> None:
    with owner_engine.connect() as connection:
        connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            savepoint = session.begin_nested() if end == "savepoint" else None
            session.info["actor"] = Actor.user(user)
            with pytest.raises(ActorError, match=NO_EFFECT):
                session.connection()
            if savepoint:
                del session.info["actor"]
                savepoint.rollback()
        assert connection.scalar(text("select 1")) == 1


@every_way_through_the_session
def test_actor_put_into_the_info_within_a_transaction_is_refused(
    owner_engine: Engine, user: UUID, run: Callable[[Session], object]
) -> None:
    count = _count(owner_engine)
    with Session(owner_engine) as session:
        session.execute(text("select 1"))
        session.info["actor"] = Actor.user(user)
        with pytest.raises(ActorError, match=NO_EFFECT):
            run(session)
    assert _count(owner_engine) == count


def test_nothing_is_committed_with_an_actor_in_the_info(owner_engine: Engine, user: UUID) -> None:
    count = _count(owner_engine)
    with Session(owner_engine) as session:
        session.add(Note(owner=uuid4()))
        session.flush()
        session.info["actor"] = Actor.user(user)
        with pytest.raises(ActorError, match=NO_EFFECT):
            session.commit()
    assert _count(owner_engine) == count


def test_actor_in_the_options_of_a_sessionmaker_is_refused(
    owner_engine: Engine, user: UUID
) -> None:
    make = sessionmaker(owner_engine, info={"actor": Actor.user(user)})
    with make() as session, pytest.raises(ActorError, match=NO_EFFECT):
        session.execute(text("select 1"))
    with pytest.raises(ActorError, match=NO_EFFECT), make.begin() as session:
        session.execute(text("select 1"))
    scoped = scoped_session(make)
    with pytest.raises(ActorError, match=NO_EFFECT):
        scoped.execute(text("select 1"))
    scoped.remove()


@pytest.mark.parametrize("put", ["before", "within"])
def test_actor_in_the_info_is_refused_in_a_begin_block(
    owner_engine: Engine, user: UUID, put: str
) -> None:
    def run() -> None:
        with Session(owner_engine) as session:
            if put == "before":
                session.info["actor"] = Actor.user(user)
            with session.begin():
                session.info["actor"] = Actor.user(user)
                session.execute(text("select 1"))

    with pytest.raises(ActorError, match=NO_EFFECT):
        run()


async def test_actor_in_the_info_of_an_async_session_is_refused(logins: Logins, user: UUID) -> None:
    engine = create_async_engine(logins.owner)
    info = {"actor": Actor.user(user)}
    async with AsyncSession(engine) as session:
        session.info["actor"] = Actor.user(user)
        with pytest.raises(ActorError, match=NO_EFFECT):
            await session.execute(text("select 1"))
    async with async_sessionmaker(engine, info=info)() as session:
        with pytest.raises(ActorError, match=NO_EFFECT):
            await session.connection()
    with pytest.raises(ActorError, match=NO_EFFECT):
        async with AsyncSession(engine, info=info) as session, session.begin():
            await session.scalars(select(Note))
    await engine.dispose()


def test_session_that_is_used_again_is_refused_as_long_as_the_actor_is_there(
    owner_engine: Engine, user: UUID
) -> None:
    login_role = text("select current_user = session_user")
    with Session(owner_engine) as session:
        assert session.scalar(login_role)
        session.commit()
        session.info["actor"] = Actor.user(user)
        for end in (session.rollback, session.close, session.expunge_all):
            with pytest.raises(ActorError, match=NO_EFFECT):
                session.scalar(login_role)
            end()
        session.rollback()
        del session.info["actor"]
        assert session.scalar(login_role)


def test_info_of_a_session_that_acts_makes_no_other_session_act(
    owner_engine: Engine, user: UUID
) -> None:
    with SessionFactory(owner_engine).as_user(user) as acting, Session(owner_engine) as plain:
        act_as(plain, Actor.service())
        for info in (acting.info, plain.info):
            with (
                Session(owner_engine, info=info) as session,
                pytest.raises(ActorError, match=NO_EFFECT),
            ):
                session.execute(text("select 1"))


def test_actor_of_another_program_is_refused(user: UUID) -> None:
    program = f"""
import pickle
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

actor = pickle.loads({pickle.dumps(Actor.user(user))!r})
with Session(create_engine("sqlite://"), info={{"actor": actor}}) as session:
    session.execute(text("select 1"))
"""
    done = subprocess.run(  # noqa: S603  our own
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert "ActorError: session.info['actor'] has no effect on this session" in done.stderr


@pytest.mark.parametrize("value", ["noa", 7, None], ids=repr)
def test_value_in_the_info_that_is_no_actor_is_left_to_the_application(
    owner_engine: Engine, value: object
) -> None:
    with Session(owner_engine, info={"actor": value}) as session:
        assert session.scalar(text("select 1")) == 1


def test_refused_session_sends_nothing_to_the_server(owner_engine: Engine, user: UUID) -> None:
    statements: list[str] = []

    def note(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(owner_engine, "before_cursor_execute", note)
    with Session(owner_engine, info={"actor": Actor.user(user)}) as session:
        with pytest.raises(ActorError, match=NO_EFFECT):
            session.scalars(select(Note))
        with pytest.raises(ActorError):
            session.connection().execute(select(Note))
    assert statements == []
