"""The timestamps that the database sets on sessions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from tests.wizard.data import OWNER, PERSONAS, SESSION
from townhall import WizardSession, WizardStatus
from townhall.testing import acting

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Times(NamedTuple):
    """The timestamps that the trigger sets."""

    saved: datetime
    completed: datetime | None


def _times(connection: Connection) -> Times:
    columns = (WizardSession.last_saved_at, WizardSession.completed_at)
    row = connection.execute(select(*columns).where(WizardSession.id == SESSION)).one()
    return Times(*row)


def _set(connection: Connection, **values: object) -> Times:
    """Update the owner's session, and return the times afterwards."""
    connection.execute(update(WizardSession).where(WizardSession.id == SESSION).values(values))
    return _times(connection)


@pytest.mark.parametrize(
    "change", [{"stage": 2}, {"state": {"a": 1}}, {"event_id": None}, {"stage": 1}], ids=str
)
def test_each_update_sets_last_saved_at(connection: Connection, change: dict[str, object]) -> None:
    before = _times(connection)
    assert _set(connection, **change).saved > before.saved


def test_saves_in_one_transaction_have_different_times(connection: Connection) -> None:
    saves = [_set(connection, stage=stage).saved for stage in (2, 3, 4)]
    assert saves == sorted(set(saves))


def test_completing_sets_completed_at_and_reopening_clears_it(connection: Connection) -> None:
    assert _times(connection).completed is None
    done = _set(connection, status=WizardStatus.COMPLETED)
    assert done.completed == done.saved
    assert _set(connection, status=WizardStatus.IN_PROGRESS).completed is None
    assert _set(connection, status=WizardStatus.ABANDONED).completed is None


def test_update_of_a_completed_session_keeps_completed_at(connection: Connection) -> None:
    done = _set(connection, status=WizardStatus.COMPLETED)
    later = _set(connection, stage=6, status=WizardStatus.COMPLETED)
    assert later.completed == done.completed
    assert later.saved > done.saved


def test_session_inserted_as_completed_gets_completed_at(connection: Connection) -> None:
    row = insert(WizardSession).values(user_id=OWNER, status=WizardStatus.COMPLETED)
    assert connection.scalar(row.returning(WizardSession.completed_at)) is not None


def test_session_inserted_as_completed_keeps_a_given_completed_at(
    connection: Connection,
) -> None:
    """The service may import sessions that were completed earlier."""
    then = datetime(2024, 2, 2, tzinfo=UTC)
    with acting(connection, "service_role"):
        row = insert(WizardSession).values(
            user_id=OWNER, status=WizardStatus.COMPLETED, completed_at=then
        )
        assert connection.scalar(row.returning(WizardSession.completed_at)) == then


def test_given_completed_at_of_a_session_in_progress_is_ignored(connection: Connection) -> None:
    with acting(connection, "service_role"):
        row = insert(WizardSession).values(user_id=OWNER, completed_at="2020-01-01")
        assert connection.scalar(row.returning(WizardSession.completed_at)) is None


@pytest.mark.parametrize("persona", ["owner", "service"])
@pytest.mark.parametrize("also", [{}, {"status": WizardStatus.IN_PROGRESS}], ids=str)
def test_state_of_a_completed_session_cannot_be_changed(
    connection: Connection, persona: str, also: dict[str, object]
) -> None:
    _set(connection, status=WizardStatus.COMPLETED)
    with (
        acting(connection, PERSONAS[persona]),
        pytest.raises(IntegrityError, match=f"wizard session {SESSION} is completed"),
    ):
        _set(connection, state={"name": "Another"}, **also)
    state = select(WizardSession.state).where(WizardSession.id == SESSION)
    assert connection.scalar(state) == {"name": "Gala"}


def test_other_columns_of_a_completed_session_may_be_changed(connection: Connection) -> None:
    _set(connection, status=WizardStatus.COMPLETED)
    _set(connection, stage=6, state={"name": "Gala"}, event_id=None)
    stage = select(WizardSession.stage).where(WizardSession.id == SESSION)
    assert connection.scalar(stage) == 6


def test_state_of_a_reopened_session_may_be_changed(connection: Connection) -> None:
    _set(connection, status=WizardStatus.COMPLETED)
    _set(connection, status=WizardStatus.IN_PROGRESS)
    _set(connection, state={"name": "Another"})
    state = select(WizardSession.state).where(WizardSession.id == SESSION)
    assert connection.scalar(state) == {"name": "Another"}
