"""Objects of a session: after its block, after a commit, and after a change of its actor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.exc import MissingGreenlet, StatementError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from tests.session.conftest import POOLED, async_sessions
from tests.session.database import Note
from tests.session.scenarios import assert_acts_as
from tests.session.ways import every_way
from townhall.session import Actor, ActorError, SessionFactory, act_as

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import URL, Engine


def _note_of(sessions: SessionFactory, user: UUID) -> Note:
    with sessions.as_user(user) as session:
        session.add(note := Note(owner=user, body="private"))
    return note


def test_object_can_be_used_after_its_block(sessions: SessionFactory, user: UUID) -> None:
    note = _note_of(sessions, user)
    assert (note.owner, note.body) == (user, "private")


async def test_object_can_be_used_after_an_async_commit_and_block(member: URL, user: UUID) -> None:
    async with async_sessions(member) as sessions:
        async with sessions.as_user(user) as session:
            session.add(note := Note(owner=user, body="private"))
            await session.commit()
            assert note.body == "private"
            note.body = "changed"
        assert note.body == "changed"


@every_way
def test_session_is_refused_after_its_block_and_takes_no_connection(
    engine: Engine, sessions: SessionFactory, user: UUID, run: Callable[[Session], object]
) -> None:
    pool: Any = engine.pool
    with sessions.as_user(user) as session:
        assert_acts_as(session, user)
    with pytest.raises(ActorError, match="block of this session has ended"):
        run(session)
    assert pool.checkedout() == 0
    session.rollback()


def test_session_is_refused_after_a_block_that_failed(sessions: SessionFactory, user: UUID) -> None:
    with pytest.raises(LookupError), sessions.as_user(user) as session:
        raise LookupError
    with pytest.raises(ActorError, match="block of this session has ended"):
        session.scalars(select(Note))


async def test_async_session_is_refused_after_its_block(member: URL, user: UUID) -> None:
    async with async_sessions(member) as sessions:
        async with sessions.as_user(user) as session:
            await session.run_sync(assert_acts_as, user)
        with pytest.raises(ActorError, match="block of this session has ended"):
            await session.scalars(select(Note))


def _change_by_info(session: Session, actor: Actor) -> None:
    session.info["actor"] = actor


@pytest.mark.parametrize("change", [act_as, _change_by_info])
def test_object_of_the_former_actor_is_not_handed_out(
    engine: Engine, sessions: SessionFactory, change: Callable[[Session, Actor], None]
) -> None:
    user, other = uuid4(), uuid4()
    key = _note_of(sessions, user).id
    for made in (SessionFactory(engine).as_service(), Session(engine, expire_on_commit=False)):
        with made as session:
            act_as(session, Actor.service())
            held = session.get(Note, key)
            session.commit()
            change(session, Actor.user(other))
            assert session.get(Note, key) is None
            assert held not in session
            session.rollback()
            change(session, Actor.user(user))
            assert session.get(Note, key) not in (None, held)


def test_object_that_was_loaded_as_the_login_role_is_not_handed_out(
    owner_engine: Engine, sessions: SessionFactory, user: UUID
) -> None:
    key = _note_of(sessions, user).id
    with Session(owner_engine, expire_on_commit=False) as session:
        assert session.get(Note, key) is not None
        session.commit()
        act_as(session, Actor.user(uuid4()))
        assert session.get(Note, key) is None


@pytest.mark.parametrize("kind", ["new", "dirty", "deleted"])
def test_actor_does_not_change_while_changes_of_the_former_one_wait(
    sessions: SessionFactory, user: UUID, kind: str
) -> None:
    key = _note_of(sessions, user).id
    with sessions.as_user(user) as session:
        note = session.get_one(Note, key)
        session.commit()
        if kind == "new":
            session.add(Note(owner=user))
        elif kind == "dirty":
            note.body = "changed"
        else:
            session.delete(note)
        with pytest.raises(ActorError, match="changes that its former actor made"):
            act_as(session, Actor.service())
        session.rollback()
        act_as(session, Actor.service())


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
async def test_statement_after_a_caught_missing_greenlet_names_it(member: URL, user: UUID) -> None:
    engine = create_async_engine(member, connect_args=POOLED)
    async with engine.connect():
        pass  # the pool has a connection, so that the begin of the transaction is what fails
    async with AsyncSession(engine) as session:
        act_as(session, Actor.user(user))
        with pytest.raises((StatementError, MissingGreenlet), match="greenlet_spawn"):
            session.sync_session.scalars(select(Note))
        with pytest.raises(ActorError, match=r"failed with MissingGreenlet: roll back first"):
            await session.scalars(select(Note))
        await session.rollback()
        await session.run_sync(assert_acts_as, user)
        with pytest.raises((StatementError, MissingGreenlet), match="greenlet_spawn"):
            session.sync_session.scalars(select(Note))
        await session.run_sync(assert_acts_as, user)
    await engine.dispose()
