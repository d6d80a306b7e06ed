"""Sample data: sessions of the wizard."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import insert

from tests.support.personas import WITHOUT_SUBJECT, anonymous_sign_in
from townhall import Event, Organization, Profile, WizardSession
from townhall.session import Actor
from townhall.testing import create_account

if TYPE_CHECKING:
    from sqlalchemy import Connection

OWNER = UUID("00000000-0000-4000-8000-000000000d01")
STRANGER = UUID("00000000-0000-4000-8000-000000000d02")

SESSION = UUID("00000000-0000-4000-8000-000000000d03")
"""The owner's session, which the access matrix tries."""
STRANGER_SESSION = UUID("00000000-0000-4000-8000-000000000d04")
EVENT = UUID("00000000-0000-4000-8000-000000000d05")
"""The event that was created from the owner's session."""

PERSONAS = {
    "anon": Actor.anonymous(),
    "no_sub": WITHOUT_SUBJECT,
    "stranger": Actor.user(STRANGER),  # has a session of their own
    "anonymous_sign_in": anonymous_sign_in(STRANGER),
    "owner": Actor.user(OWNER),
    "service": Actor.service(),
}


def insert_wizard(connection: Connection) -> None:
    """Insert two users with a session each, and an event."""
    for account in (OWNER, STRANGER):
        create_account(connection, user_id=account)
    connection.execute(insert(Profile), [{"id": OWNER}, {"id": STRANGER}])
    house = insert(Organization).values(name="House", slug="house").returning(Organization.id)
    organization = connection.scalar(house)
    connection.execute(insert(Event).values(id=EVENT, organization_id=organization, name="Gala"))
    connection.execute(
        insert(WizardSession),
        [
            {"id": SESSION, "user_id": OWNER, "event_id": EVENT, "state": {"name": "Gala"}},
            {"id": STRANGER_SESSION, "user_id": STRANGER, "event_id": None, "state": {}},
        ],
    )
