"""A session that acts on a database whose rows are partly on other machines."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy import create_engine, event, select, text
from sqlalchemy.exc import ProgrammingError

from tests.session.database import Logins, Note, notes_database
from tests.support.citus import citus_database
from townhall.errors import Kind, explain
from townhall.session import ActorError, SessionFactory, distributed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

    from townhall.testing.databases import Databases

# What Citus 13.2 has, as far as it is read.
_STAND_IN = """
set allow_system_table_mods = on;
create table pg_catalog.pg_dist_partition (
  logicalrelid regclass, partmethod "char", partkey text, colocationid int, repmodel "char"
);
grant select on pg_catalog.pg_dist_partition to public;
"""
_DISTRIBUTED = "('notes', 'h', 'owner', 1, 's')"
_REFERENCE = "('notes', 'n', null, 2, 't')"
_LOCAL = "('notes', 'n', null, 0, 's')"


@pytest.fixture(scope="module")
def coordinator(townhall_databases: Databases) -> Iterator[Logins]:
    with townhall_databases.create() as url, notes_database(url) as logins:
        engine = create_engine(logins.owner)
        try:
            with engine.begin() as connection:
                connection.execute(text(_STAND_IN))
        except ProgrammingError as error:
            pytest.skip(f"the stand-in for Citus needs a superuser: {error.orig}")
        finally:
            engine.dispose()
        yield logins


@pytest.fixture
def place(
    coordinator: Logins, make_engine: Callable[..., Engine]
) -> Iterator[Callable[[str], None]]:
    engine = make_engine(coordinator.owner)

    def place(row: str) -> None:
        with engine.begin() as connection:
            connection.execute(text(f"insert into pg_dist_partition values {row}"))

    yield place
    with engine.begin() as connection:
        connection.execute(text("delete from pg_dist_partition"))
        connection.execute(text("grant select, insert, update, delete on notes to authenticated"))


@pytest.mark.parametrize("row", [_DISTRIBUTED, _REFERENCE])
def test_session_of_a_user_is_refused_and_not_answered_with_nothing(
    coordinator: Logins,
    make_engine: Callable[..., Engine],
    place: Callable[[str], None],
    user: UUID,
    row: str,
) -> None:
    place(row)
    sessions = SessionFactory(make_engine(coordinator.member))
    for _ in range(2):
        with (
            pytest.raises(ActorError, match=r"notes is distributed.* would be empty") as refused,
            sessions.as_user(user) as session,
        ):
            session.scalars(select(Note)).all()
        explanation = explain(refused.value)
        assert explanation is not None
        assert explanation.kind is Kind.WRONG_STATE
    with sessions.as_service() as session:  # its policies read no claims
        assert session.scalars(select(Note)).all() != []


def test_session_acts_where_its_role_has_nothing_of_the_distributed_table(
    coordinator: Logins,
    make_engine: Callable[..., Engine],
    place: Callable[[str], None],
    user: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place(_DISTRIBUTED)
    with make_engine(coordinator.owner).begin() as connection:
        connection.execute(text("revoke all on notes from authenticated"))
    engine = make_engine(coordinator.member)
    monkeypatch.setattr(distributed, "_KNOWN", 600)
    sessions = SessionFactory(engine)
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    for _ in range(3):
        with sessions.as_user(user) as session:
            assert session.scalar(text("select current_user")) == "authenticated"
    assert sum("pg_dist_partition as d" in each for each in statements) == 1


def test_session_is_refused_after_a_table_was_distributed_while_the_application_runs(
    coordinator: Logins,
    make_engine: Callable[..., Engine],
    place: Callable[[str], None],
    user: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(distributed, "_KNOWN", 0)
    sessions = SessionFactory(make_engine(coordinator.member))
    with sessions.as_user(user) as session:
        session.scalars(select(Note)).all()
    place(_DISTRIBUTED)
    with (
        pytest.raises(ActorError, match="notes is distributed"),
        sessions.as_user(user) as session,
    ):
        session.scalars(select(Note)).all()


@pytest.mark.parametrize("row", [None, _LOCAL])
def test_session_acts_where_all_rows_are_on_the_coordinator(
    coordinator: Logins,
    make_engine: Callable[..., Engine],
    place: Callable[[str], None],
    user: UUID,
    row: str | None,
) -> None:
    if row is not None:
        place(row)
    sessions = SessionFactory(make_engine(coordinator.member))
    with sessions.as_user(user) as session:
        session.add(Note(owner=user))
        session.flush()
        assert [note.owner for note in session.scalars(select(Note))] == [user]
        session.rollback()


def test_session_on_a_coordinator_of_citus_is_refused(
    user: UUID, make_engine: Callable[..., Engine]
) -> None:
    with citus_database() as url, notes_database(url) as logins:
        with make_engine(logins.owner).begin() as connection:
            connection.execute(text("alter table notes drop constraint notes_pkey"))
            connection.execute(text("select create_distributed_table('notes', 'owner')"))
        with (
            pytest.raises(ActorError, match="notes is distributed"),
            SessionFactory(make_engine(logins.member)).as_user(user) as session,
        ):
            session.scalars(select(Note)).all()
        with make_engine(logins.owner).begin() as connection:
            connection.execute(text("drop table notes"))
