"""What a flush was to change and a policy has left out raises an error, which says why."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import pytest
from sqlalchemy import delete, event, select, text, update
from sqlalchemy.exc import DBAPIError, SAWarning
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from tests.errors.notes import (
    Attachment,
    Base,
    Book,
    Draft,
    File,
    Folder,
    Item,
    Note,
    Place,
    create_notes,
)
from townhall import SocialFeedPost
from townhall.errors import Kind, explain
from townhall.session import Actor, AsyncSessionFactory, NotPermitted, SessionFactory, act_as
from townhall.testing import create_account

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from sqlalchemy import Connection, Delete, Engine, Update

ME, OTHER = uuid4(), uuid4()

ROWS: dict[str, Callable[[], Base]] = {
    "single key": lambda: Note(owner=OTHER),
    "key of two columns": lambda: Place(row=1, column=2, owner=OTHER),
    "version": lambda: Draft(owner=OTHER),
    "both tables": lambda: Book(owner=OTHER, book_owner=OTHER),
    "first table": lambda: Book(owner=OTHER, book_owner=ME),
    "second table": lambda: Book(owner=ME, book_owner=OTHER),
    "with loaded children": lambda: Folder(owner=ME, files=[File(owner=OTHER)]),
}


@pytest.fixture
def sessions(townhall_connection: Connection, townhall_sessions: SessionFactory) -> SessionFactory:
    create_notes(townhall_connection)
    return townhall_sessions


def store(sessions: SessionFactory, *rows: Base) -> None:
    with sessions.as_service() as session:
        session.add_all(rows)


def loaded(session: Session, model: type[Base]) -> list[Base]:
    rows = list(session.scalars(select(model)))
    for row in rows:
        if isinstance(row, Folder):
            assert row.files
    return rows


def refused(session: Session) -> StaleDataError:
    """Return the error of a flush, and undo its transaction."""
    with pytest.raises(StaleDataError) as raised:
        session.flush()
    session.rollback()
    return raised.value


def change(session: Session, command: str, row: Note | Draft) -> None:
    if command == "delete":
        session.delete(row)
    else:
        row.body = "mine"


def assert_denied(error: BaseException, table: str | None = None) -> None:
    assert isinstance(error, NotPermitted)
    assert isinstance(error, DBAPIError)
    assert isinstance(error, StaleDataError)
    assert getattr(error.orig, "sqlstate", None) == "42501"
    found = explain(error, Base.metadata)
    assert found is not None
    assert found.kind is Kind.DENIED
    assert found.original is error
    assert table is None or found.table == table
    assert str(OTHER) not in str(error)


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_delete_of_a_row_that_the_caller_may_not_delete_raises(
    sessions: SessionFactory, row: Callable[[], Base]
) -> None:
    stored = row()
    store(sessions, stored)
    with pytest.raises(NotPermitted) as raised, sessions.as_user(ME) as session:
        session.delete(loaded(session, type(stored))[0])
    assert_denied(raised.value)
    with sessions.as_service() as session:
        assert len(loaded(session, type(stored))) == 1


@pytest.mark.parametrize("row", ["single key", "key of two columns", "version", "first table"])
def test_update_of_a_row_that_the_caller_may_not_update_raises(
    sessions: SessionFactory, row: str
) -> None:
    stored = ROWS[row]()
    store(sessions, stored)
    with pytest.raises(NotPermitted) as raised, sessions.as_user(ME) as session:
        # Each of these models has a body.
        cast("Any", loaded(session, type(stored))[0]).body = "mine"
    assert_denied(raised.value)


def test_update_of_the_second_table_of_a_row_raises(sessions: SessionFactory) -> None:
    store(sessions, ROWS["second table"]())
    with pytest.raises(NotPermitted) as raised, sessions.as_user(ME) as session:
        session.scalars(select(Book)).one().pages = 7
    assert_denied(raised.value, "books")


@pytest.mark.parametrize("command", ["delete", "update"])
def test_one_denied_row_among_several_raises_and_changes_none(
    sessions: SessionFactory, command: str
) -> None:
    store(sessions, Note(owner=ME), Note(owner=OTHER), Note(owner=ME))
    with sessions.as_user(ME) as session:
        for row in session.scalars(select(Note)):
            change(session, command, row)
        assert_denied(refused(session), "notes")
    with sessions.as_service() as session:
        assert list(session.scalars(select(Note.body))) == ["", "", ""]


def test_own_rows_are_deleted_and_updated(sessions: SessionFactory) -> None:
    store(sessions, Note(owner=ME), Note(owner=ME), Draft(owner=ME), Book(owner=ME, book_owner=ME))
    with sessions.as_user(ME) as session:
        first, second = session.scalars(select(Note))
        session.delete(first)
        second.body = "mine"
        session.scalars(select(Draft)).one().body = "mine"
        session.delete(session.scalars(select(Item)).one())
    with sessions.as_service() as session:
        assert session.scalars(select(Note.body)).one() == "mine"
        assert session.scalars(select(Draft.body)).one() == "mine"
        assert session.scalars(select(Item)).all() == []


@pytest.mark.parametrize("command", ["delete", "update"])
@pytest.mark.parametrize("model", [Note, Draft])
@pytest.mark.parametrize("done", ["is_hidden = true", None], ids=["hidden", "deleted"])
def test_row_that_is_not_there_any_more_is_a_conflict(
    sessions: SessionFactory,
    townhall_connection: Connection,
    command: str,
    model: type[Note | Draft],
    done: str | None,
) -> None:
    store(sessions, model(owner=OTHER))
    name = model.__tablename__
    with sessions.as_user(ME) as session:
        row = cast("Note | Draft", session.scalars(select(model)).one())
        townhall_connection.execute(text("set local role service_role"))
        townhall_connection.execute(
            text(f"update {name} set {done}" if done else f"delete from {name}")
        )
        townhall_connection.execute(text("set local role authenticated"))
        change(session, command, row)
        found = explain(refused(session))
    assert found is not None
    assert found.kind is Kind.CONFLICT


def test_row_of_another_version_is_a_conflict(
    sessions: SessionFactory, townhall_connection: Connection
) -> None:
    store(sessions, Draft(owner=ME))
    with sessions.as_user(ME) as session:
        draft = session.scalars(select(Draft)).one()
        townhall_connection.execute(text("update drafts set version = 7"))
        draft.body = "mine"
        error = refused(session)
    assert not isinstance(error, NotPermitted)
    found = explain(error)
    assert found is not None
    assert found.kind is Kind.CONFLICT


@pytest.mark.filterwarnings("ignore:DELETE statement")
def test_row_that_went_with_another_of_the_flush_is_deleted(sessions: SessionFactory) -> None:
    note = Note(owner=ME)
    store(sessions, note)
    store(sessions, Note(owner=ME, answers_id=note.id), Attachment(owner=ME, note_id=note.id))
    with sessions.as_user(ME) as session:
        for row in [*session.scalars(select(Note)), *session.scalars(select(Attachment))]:
            session.delete(row)
    with sessions.as_service() as session:
        assert session.scalars(select(Note)).all() == []


def test_mapper_that_does_not_confirm_deletions_is_silent_about_what_is_gone(
    sessions: SessionFactory, townhall_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Note.__mapper__, "confirm_deleted_rows", False)
    store(sessions, Note(owner=ME), Note(owner=OTHER))
    with sessions.as_user(ME) as session:
        mine = session.scalars(select(Note).where(Note.owner == ME)).one()
        townhall_connection.execute(text(f"delete from notes where owner = '{ME}'"))
        session.delete(mine)
    with pytest.raises(NotPermitted), sessions.as_user(ME) as session:
        session.delete(session.scalars(select(Note)).one())


LISTS: dict[str, Callable[[Session, list[dict[str, object]]], object]] = {
    "execute": lambda session, changes: session.execute(update(Note), changes),
    "mappings": lambda session, changes: session.bulk_update_mappings(Note.__mapper__, changes),
}


@pytest.mark.parametrize("run", LISTS.values(), ids=list(LISTS))
def test_update_of_a_list_of_keys_raises_where_one_is_denied(
    sessions: SessionFactory, run: Callable[[Session, list[dict[str, object]]], object]
) -> None:
    rows = [Note(owner=ME), Note(owner=OTHER)]
    store(sessions, *rows)
    changes: list[dict[str, object]] = [{"id": each.id, "body": "mine"} for each in rows]
    with sessions.as_user(ME) as session:
        with pytest.raises(NotPermitted) as raised:
            run(session, changes)
        assert_denied(raised.value, "notes")
        session.rollback()


@pytest.mark.parametrize("statement", [delete(Note), update(Note).values(body="mine")])
def test_bulk_statement_reports_the_rows_that_it_changed(
    sessions: SessionFactory, statement: object
) -> None:
    store(sessions, Note(owner=ME), Note(owner=OTHER))
    with sessions.as_user(ME) as session:
        assert session.execute(statement).rowcount == 1  # type: ignore[call-overload]


@pytest.mark.parametrize("statement", [delete(Note), update(Note).values(body="theirs")])
@pytest.mark.parametrize("at", ["before_flush", "after_flush"])
def test_statement_with_a_condition_that_a_listener_runs_in_a_flush_may_change_no_row(
    sessions: SessionFactory, statement: Delete | Update, at: str
) -> None:
    store(sessions, Note(owner=OTHER))
    changed: list[int] = []

    def listen(session: Session, *_: object) -> None:
        for owner in (OTHER, uuid4()):
            done = session.execute(statement.where(Note.owner == owner))
            changed.append(done.rowcount)  # type: ignore[attr-defined]

    with sessions.as_user(ME) as session:
        event.listen(session, at, listen)
        session.add(Place(row=1, column=1, owner=ME))
    assert changed == [0, 0]


def test_session_that_was_made_to_act_raises_too(
    sessions: SessionFactory, townhall_connection: Connection
) -> None:
    store(sessions, Note(owner=OTHER))
    with Session(townhall_connection, join_transaction_mode="create_savepoint") as session:
        act_as(session, Actor.user(ME))
        session.delete(session.scalars(select(Note)).one())
        with pytest.raises(NotPermitted) as raised:
            session.flush()
        assert_denied(raised.value, "notes")


def test_session_that_does_not_act_is_as_sqlalchemy_makes_it(
    sessions: SessionFactory, townhall_connection: Connection
) -> None:
    store(sessions, Note(owner=OTHER))
    with Session(townhall_connection, join_transaction_mode="create_savepoint") as session:
        session.execute(text("set local role authenticated"))
        session.delete(session.scalars(select(Note)).one())
        with pytest.warns(SAWarning, match="DELETE statement"):
            session.flush()


def post_of_another(session: Session, account: UUID) -> SocialFeedPost:
    post = SocialFeedPost(author_id=account, content="Hello", is_public=True)
    session.add(post)
    session.flush()
    return post


def change_post(session: Session, command: str, key: UUID) -> None:
    post = session.get_one(SocialFeedPost, key)
    if command == "delete":
        session.delete(post)
    else:
        post.content = "mine"  # which returns the time of the update
    session.flush()


@pytest.mark.parametrize("command", ["delete", "update"])
def test_post_of_another_is_neither_deleted_nor_updated(
    townhall_connection: Connection, townhall_sessions: SessionFactory, command: str
) -> None:
    account = create_account(townhall_connection)
    with townhall_sessions.as_service() as session:
        key = post_of_another(session, account).id
    with townhall_sessions.as_user(ME) as session:
        with pytest.raises(NotPermitted) as raised:
            change_post(session, command, key)
        session.rollback()
    assert_denied(raised.value, "social_feed_posts")
    found = explain(raised.value)
    assert found is not None
    verb = "delete this from" if command == "delete" else "make this change in"
    assert found.sentence == f"You may not {verb} social feed posts."


@pytest.mark.parametrize("command", ["delete", "update"])
async def test_post_of_another_is_neither_deleted_nor_updated_in_an_async_session(
    townhall_engine: Engine, townhall_async_engine: AsyncEngine, command: str
) -> None:
    with townhall_engine.begin() as connection:
        account = create_account(connection)
    sessions = AsyncSessionFactory(townhall_async_engine)
    async with sessions.as_service() as session:
        key = (await session.run_sync(post_of_another, account)).id
    async with sessions.as_user(ME) as session:
        with pytest.raises(NotPermitted) as raised:
            await session.run_sync(change_post, command, key)
        await session.rollback()
    assert_denied(raised.value, "social_feed_posts")


@pytest.mark.parametrize("command", ["delete", "update"])
def test_async_session_raises(townhall_async_engine: AsyncEngine, command: str) -> None:
    async def run() -> None:
        async with townhall_async_engine.begin() as connection:
            await connection.run_sync(create_notes)
        sessions = AsyncSessionFactory(townhall_async_engine)
        async with sessions.as_service() as session:
            session.add_all([Note(owner=ME), Note(owner=OTHER)])
        async with sessions.as_user(ME) as session:
            for row in await session.scalars(select(Note)):
                await session.run_sync(change, command, row)

    with pytest.raises(NotPermitted) as raised:
        asyncio.run(run())
    assert_denied(raised.value, "notes")
