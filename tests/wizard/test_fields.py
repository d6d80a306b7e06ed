"""The columns of a session: types, defaults and constraints."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DataError, IntegrityError

from tests.wizard.data import EVENT, OWNER
from townhall import WizardSession, WizardStatus

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row
    from sqlalchemy.orm import Session

    from townhall.session import SessionFactory

NOT_NULL = ("id", "user_id", "stage", "status", "state", "started_at", "last_saved_at")

TYPES = {
    "id": "uuid",
    "user_id": "uuid",
    "event_id": "uuid",
    "stage": "integer",
    "status": "text",
    "state": "jsonb",
    "started_at": "timestamp with time zone",
    "last_saved_at": "timestamp with time zone",
    "completed_at": "timestamp with time zone",
}


def _insert(connection: Connection, columns: str, values: str) -> Row[Any]:
    """Insert a row of the owner's by plain SQL, and return it with its defaults."""
    statement = text(
        f"""
        insert into public.wizard_sessions (user_id{columns})
        values ('{OWNER}'{values})
        returning *
        """
    )
    return connection.execute(statement).one()


def test_columns_have_the_specified_types(connection: Connection) -> None:
    found = connection.execute(
        text(
            """
            select column_name, data_type, is_nullable = 'NO'
            from information_schema.columns
            where table_schema = 'public' and table_name = 'wizard_sessions'
            order by ordinal_position
            """
        )
    )
    expected = [(name, kind, name in NOT_NULL) for name, kind in TYPES.items()]
    assert found.all() == expected


def test_new_session_has_the_defaults_of_the_database(connection: Connection) -> None:
    row = _insert(connection, "", "")
    assert isinstance(row.id, UUID)
    assert (row.user_id, row.event_id) == (OWNER, None)
    assert (row.stage, row.status, row.state) == (1, "in_progress", {})
    assert isinstance(row.started_at, datetime)
    assert row.last_saved_at == row.started_at
    assert row.completed_at is None


@pytest.mark.parametrize("stage", range(1, 7))
def test_stages_one_to_six_are_accepted(connection: Connection, stage: int) -> None:
    assert _insert(connection, ", stage", f", {stage}").stage == stage


@pytest.mark.parametrize("stage", [-1, 0, 7, 2_147_483_647])
def test_other_stages_are_refused(connection: Connection, stage: int) -> None:
    with pytest.raises(IntegrityError, match="ck_wizard_sessions_stage_in_range"):
        _insert(connection, ", stage", f", {stage}")


@pytest.mark.parametrize("status", WizardStatus)
def test_each_status_of_the_enum_is_accepted(connection: Connection, status: WizardStatus) -> None:
    assert _insert(connection, ", status", f", '{status}'").status == status


@pytest.mark.parametrize("status", ["", "Completed", "done", " in_progress"])
def test_other_statuses_are_refused(connection: Connection, status: str) -> None:
    with pytest.raises(IntegrityError, match="ck_wizard_sessions_status_known"):
        _insert(connection, ", status", f", '{status}'")


@pytest.mark.parametrize("state", ["[]", '"text"', "1", "true", "null"])
def test_state_that_is_no_object_is_refused(connection: Connection, state: str) -> None:
    with pytest.raises(IntegrityError, match="ck_wizard_sessions_state_is_object"):
        _insert(connection, ", state", f", '{state}'")


def test_state_keeps_any_json_value(sessions: SessionFactory) -> None:
    state = {
        "name": "גאלה 2027 🎉",
        "nested": {"list": [1, 2.5, None, {"deep": True}], "": "empty key"},
        "quoted": "' \" \\ $$ :name %s",
    }
    with sessions.as_user(OWNER) as session:
        row = WizardSession(user_id=OWNER, state=state)
        session.add(row)
        session.flush()
        session.expire(row)
        assert row.state == state


@pytest.mark.parametrize("column", NOT_NULL)
def test_null_is_refused(connection: Connection, column: str) -> None:
    row: dict[str, object] = {"user_id": OWNER, column: text("null")}
    with pytest.raises(IntegrityError, match=f'null value in column "{column}"'):
        connection.execute(insert(WizardSession).values(row))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("event_id", "'nothing'"),
        ("stage", "'two'"),
        ("stage", "2147483648"),
        ("state", "'{'"),
        ("started_at", "'yesterday-ish'"),
    ],
)
def test_value_of_another_type_is_refused(connection: Connection, column: str, value: str) -> None:
    with pytest.raises(DataError):
        _insert(connection, f", {column}", f", {value}")


def test_orm_reads_back_the_defaults_of_the_database(sessions: SessionFactory) -> None:
    with sessions.as_user(OWNER) as session:
        row = WizardSession(user_id=OWNER, event_id=EVENT)
        session.add(row)
        session.flush()
        assert row.status is WizardStatus.IN_PROGRESS
        assert (row.stage, row.state, row.completed_at) == (1, {}, None)
        assert row.started_at == row.last_saved_at
        _assert_repr_shows_only_the_key(session, row)


def _assert_repr_shows_only_the_key(session: Session, row: WizardSession) -> None:
    row.state = {"secret": "the budget"}
    session.flush()
    assert repr(row) == f"<WizardSession {row.id}>"


def test_unknown_status_is_refused_in_python(connection: Connection) -> None:
    with pytest.raises(Exception, match="'done' is not a valid WizardStatus"):
        connection.execute(insert(WizardSession).values(user_id=OWNER, status="done"))
    assert connection.scalars(select(WizardSession.status)).all() == ["in_progress"] * 2
