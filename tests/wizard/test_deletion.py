"""What deleting an account, a profile or an event does to sessions of the wizard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, exists, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from tests.wizard.data import EVENT, OWNER, SESSION, STRANGER_SESSION
from townhall import Event, Profile, WizardSession, WizardStatus
from townhall.testing import create_account, delete_account

if TYPE_CHECKING:
    from sqlalchemy import Connection

IS_THERE = select(exists().where(WizardSession.id == SESSION))
ITS_EVENT = select(WizardSession.event_id).where(WizardSession.id == SESSION)


@pytest.mark.parametrize("status", WizardStatus)
def test_deleting_an_account_deletes_its_sessions(
    connection: Connection, status: WizardStatus
) -> None:
    connection.execute(update(WizardSession).values(status=status))
    delete_account(connection, OWNER)
    assert connection.scalars(select(WizardSession.id)).all() == [STRANGER_SESSION]


def test_deleting_a_profile_deletes_its_sessions(connection: Connection) -> None:
    connection.execute(delete(Profile).where(Profile.id == OWNER))
    assert connection.scalar(IS_THERE) is False


@pytest.mark.parametrize("status", WizardStatus)
def test_session_is_kept_without_event_when_the_event_is_deleted(
    connection: Connection, status: WizardStatus
) -> None:
    connection.execute(update(WizardSession).values(status=status))
    connection.execute(delete(Event).where(Event.id == EVENT))
    assert connection.scalar(IS_THERE) is True
    assert connection.scalar(ITS_EVENT) is None


def test_deleting_a_session_deletes_nothing_else(connection: Connection) -> None:
    connection.execute(delete(WizardSession))
    assert connection.scalar(select(exists().where(Event.id == EVENT)))
    assert connection.scalar(select(exists().where(Profile.id == OWNER)))


def test_session_of_an_account_without_profile_is_refused(connection: Connection) -> None:
    account = create_account(connection)
    with pytest.raises(IntegrityError, match="fk_wizard_sessions_user_id_profiles"):
        connection.execute(insert(WizardSession).values(user_id=account))


def test_session_with_an_unknown_event_is_refused(connection: Connection) -> None:
    with pytest.raises(IntegrityError, match="fk_wizard_sessions_event_id_events"):
        connection.execute(
            insert(WizardSession).values(user_id=OWNER, event_id=text("gen_random_uuid()"))
        )
