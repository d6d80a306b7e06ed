"""Factories for several whole databases, by the keys of what is in each."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine

from tests.session.database import Logins, Note, notes_database
from tests.session.scenarios import assert_acts_as
from tests.support.blocks import blocks_of, run_blocks
from townhall import embedded
from townhall.session import AsyncSessionFactory, SessionFactory
from townhall.testing.servers import server_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

    from townhall.testing.databases import Databases

BERLIN, VIENNA = uuid4(), uuid4()


@pytest.fixture(scope="module")
def other(townhall_databases: Databases) -> Iterator[Logins]:
    with townhall_databases.create() as url, notes_database(url) as logins:
        yield logins


def test_session_is_one_of_the_cell_that_has_the_key(
    engine: Engine, other: Logins, make_engine: Callable[..., Engine], user: UUID
) -> None:
    cells = {BERLIN: engine, VIENNA: make_engine(other.member), "both": engine}
    sessions = SessionFactory(engine, cells=cells, info={"request": 7})
    with sessions.cell(VIENNA).as_user(user) as session:
        assert_acts_as(session, user)
        assert session.info["request"] == 7
        session.add(Note(owner=user, body="in Vienna"))
    with sessions.cell(VIENNA).as_user(user, read_only=True) as session:
        assert session.scalars(select(Note.body)).all() == ["in Vienna"]
    with sessions.cell(BERLIN).as_user(user) as session:
        assert session.scalars(select(Note)).all() == []
    assert sessions.cell(BERLIN) is sessions.cell("both")


def test_nested_blocks_of_two_cells_are_two_transactions(
    engine: Engine, other: Logins, make_engine: Callable[..., Engine], user: UUID
) -> None:
    sessions = SessionFactory(engine, cells={BERLIN: engine, VIENNA: make_engine(other.member)})

    def write_in_both_and_fail() -> None:
        with sessions.cell(BERLIN).as_user(user) as outer:
            outer.add(Note(owner=user))
            outer.flush()
            with sessions.cell(VIENNA).as_user(user) as inner:
                inner.add(Note(owner=user))
            raise KeyError("late")

    with pytest.raises(KeyError, match="late"):
        write_in_both_and_fail()
    for key, count in ((BERLIN, 0), (VIENNA, 1)):
        with sessions.cell(key).as_user(user) as session:
            assert len(session.scalars(select(Note)).all()) == count


@pytest.mark.thorough
def test_cell_on_another_server_has_its_own_rows_and_its_end_leaves_the_others(
    engine: Engine, make_engine: Callable[..., Engine], user: UUID
) -> None:
    with server_directory() as folder, embedded.start(folder) as server:
        with notes_database(server.url) as logins:
            vienna = make_engine(logins.member)
            sessions = SessionFactory(engine, cells={BERLIN: engine, VIENNA: vienna})
            with sessions.cell(VIENNA).as_user(user) as session:
                assert_acts_as(session, user)
                session.add(Note(owner=user, body="in Vienna"))
            with sessions.cell(BERLIN).as_user(user) as session:
                assert session.scalars(select(Note)).all() == []
        server.stop()
        with pytest.raises(OperationalError), sessions.cell(VIENNA).as_user(user) as session:
            session.scalars(select(Note)).all()
        with sessions.cell(BERLIN).as_user(user) as session:
            assert_acts_as(session, user)


async def test_async_session_is_one_of_the_cell_that_has_the_key(
    logins: Logins, other: Logins, user: UUID
) -> None:
    berlin, vienna = create_async_engine(logins.member), create_async_engine(other.member)
    sessions = AsyncSessionFactory(berlin, cells={BERLIN: berlin, VIENNA: vienna})
    async with sessions.cell(VIENNA).as_user(user) as session:
        session.add(Note(owner=user))
    async with sessions.cell(BERLIN).as_user(user) as session:
        assert (await session.scalars(select(Note))).all() == []
    await berlin.dispose()
    await vienna.dispose()


def test_example_of_the_guide_runs(engine: Engine, user: UUID) -> None:
    names = {
        "SessionFactory": SessionFactory,
        "engine": engine,
        "vienna_engine": engine,
        "berlin_id": BERLIN,
        "vienna_id": VIENNA,
        "user_id": user,
    }
    run_blocks(blocks_of("docs/acting.md", "python", under="Cells"), **names)


def test_key_of_no_cell_is_refused(engine: Engine) -> None:
    for sessions in (SessionFactory(engine), SessionFactory(engine, cells={BERLIN: engine})):
        with pytest.raises(ValueError, match="no cell has this key") as refused:
            sessions.cell(VIENNA)
        assert str(VIENNA) not in str(refused.value)


def test_cell_of_an_engine_of_another_kind_is_refused(engine: Engine) -> None:
    cells = {BERLIN: create_engine("sqlite://")}
    with pytest.raises(RuntimeError, match="psycopg"):
        SessionFactory(engine, cells=cells).cell(BERLIN)
