"""What the database does by itself for a session."""

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
    """What the trigger keeps."""

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
def test_every_update_is_a_save(connection: Connection, change: dict[str, object]) -> None:
    before = _times(connection)
    assert _set(connection, **change).saved > before.saved


def test_saves_of_one_transaction_have_times_of_their_own(connection: Connection) -> None:
    saves = [_set(connection, stage=stage).saved for stage in (2, 3, 4)]
    assert saves == sorted(set(saves))


def test_completing_stamps_the_time_and_going_back_clears_it(connection: Connection) -> None:
    assert _times(connection).completed is None
    done = _set(connection, status=WizardStatus.COMPLETED)
    assert done.completed == done.saved
    assert _set(connection, status=WizardStatus.IN_PROGRESS).completed is None
    assert _set(connection, status=WizardStatus.ABANDONED).completed is None


def test_a_completed_session_keeps_the_time_of_its_completion(connection: Connection) -> None:
    done = _set(connection, status=WizardStatus.COMPLETED)
    later = _set(connection, stage=6, status=WizardStatus.COMPLETED)
    assert later.completed == done.completed
    assert later.saved > done.saved


def test_a_session_inserted_as_completed_has_the_time_too(connection: Connection) -> None:
    row = insert(WizardSession).values(user_id=OWNER, status=WizardStatus.COMPLETED)
    assert connection.scalar(row.returning(WizardSession.completed_at)) is not None


def test_a_session_inserted_as_completed_keeps_the_time_it_comes_with(
    connection: Connection,
) -> None:
    """As the service brings in sessions from elsewhere."""
    then = datetime(2024, 2, 2, tzinfo=UTC)
    with acting(connection, "service_role"):
        row = insert(WizardSession).values(
            user_id=OWNER, status=WizardStatus.COMPLETED, completed_at=then
        )
        assert connection.scalar(row.returning(WizardSession.completed_at)) == then


def test_nothing_else_is_inserted_with_a_time_of_completion(connection: Connection) -> None:
    with acting(connection, "service_role"):
        row = insert(WizardSession).values(user_id=OWNER, completed_at="2020-01-01")
        assert connection.scalar(row.returning(WizardSession.completed_at)) is None


@pytest.mark.parametrize("persona", ["owner", "service"])
@pytest.mark.parametrize("also", [{}, {"status": WizardStatus.IN_PROGRESS}], ids=str)
def test_the_state_of_a_completed_session_stays(
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


def test_the_rest_of_a_completed_session_may_change(connection: Connection) -> None:
    _set(connection, status=WizardStatus.COMPLETED)
    _set(connection, stage=6, state={"name": "Gala"}, event_id=None)
    stage = select(WizardSession.stage).where(WizardSession.id == SESSION)
    assert connection.scalar(stage) == 6


def test_the_state_of_a_session_that_was_reopened_may_change(connection: Connection) -> None:
    _set(connection, status=WizardStatus.COMPLETED)
    _set(connection, status=WizardStatus.IN_PROGRESS)
    _set(connection, state={"name": "Another"})
    state = select(WizardSession.state).where(WizardSession.id == SESSION)
    assert connection.scalar(state) == {"name": "Another"}
