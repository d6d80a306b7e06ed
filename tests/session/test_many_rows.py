"""A list of rows in one statement, by an option of SQLAlchemy that the guide names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import event, func, insert, select
from sqlalchemy.exc import ProgrammingError

from tests.session.database import Note
from townhall.session import SessionFactory

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session


@pytest.fixture
def at_once(engine: Engine) -> SessionFactory:
    engine.dialect.use_insertmanyvalues_wo_returning = True
    return SessionFactory(engine)


def _count(session: Session, user: UUID) -> int:
    return session.scalar(select(func.count()).where(Note.owner == user)) or 0


@pytest.fixture
def rows(engine: Engine) -> list[int]:
    """How many rows each statement has inserted."""
    inserted: list[int] = []

    @event.listens_for(engine, "before_cursor_execute")
    def note(*arguments: Any) -> None:  # noqa: ANN401  SQLAlchemy's
        _connection, _cursor, statement, parameters, *_ = arguments
        if statement.startswith("INSERT"):
            inserted.append(len(parameters) // len(Note.__table__.columns))

    return inserted


def test_list_of_rows_is_one_statement_for_a_thousand(
    at_once: SessionFactory, rows: list[int], user: UUID
) -> None:
    with at_once.as_user(user) as session:
        session.execute(insert(Note), [{"owner": user}] * 1001)
        assert _count(session, user) == 1001
    assert rows == [1000, 1]


def test_insert_that_returns_its_objects_is_one_statement(
    engine: Engine, rows: list[int], user: UUID
) -> None:
    given = [{"owner": user, "body": str(number)} for number in range(20)]
    with SessionFactory(engine).as_user(user) as session:
        notes = session.scalars(insert(Note).returning(Note), given).all()
        assert {note.body for note in notes} == {each["body"] for each in given}
        assert all(note in session for note in notes)
    assert rows == [20]


def test_list_with_a_row_of_another_user_is_refused_as_a_whole(
    at_once: SessionFactory, user: UUID
) -> None:
    rows = [{"owner": user}, {"owner": uuid4()}, {"owner": user}]
    with at_once.as_user(user) as session:
        with pytest.raises(ProgrammingError, match="row-level security"), session.begin_nested():
            session.execute(insert(Note), rows)
        assert _count(session, user) == 0
