"""Sample data: two organizations, and an account for each persona."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import insert

from tests.support.personas import WITHOUT_SUBJECT, anonymous_sign_in
from townhall import Organization, OrganizationMember, OrganizationRole
from townhall.session import Actor
from townhall.testing import create_account

if TYPE_CHECKING:
    from sqlalchemy import Connection

ORGANIZATION = UUID("00000000-0000-4000-8000-0000000000a0")
"""The organization whose rows the access matrix tries."""
OTHER_ORGANIZATION = UUID("00000000-0000-4000-8000-0000000000b0")
"""The other organization."""

OWNER = UUID("00000000-0000-4000-8000-0000000000a1")
MANAGER = UUID("00000000-0000-4000-8000-0000000000a2")
VIEWER = UUID("00000000-0000-4000-8000-0000000000a3")
VIEWER_MEMBERSHIP = UUID("00000000-0000-4000-8000-0000000000a4")
OUTSIDER = UUID("00000000-0000-4000-8000-0000000000b1")
GUEST = UUID("00000000-0000-4000-8000-0000000000c1")
STRANGER = UUID("00000000-0000-4000-8000-0000000000c2")

PERSONAS = {
    "anon": Actor.anonymous(),
    "no_sub": WITHOUT_SUBJECT,
    "stranger": Actor.user(STRANGER),  # signed in, of no organization
    "anonymous_sign_in": anonymous_sign_in(STRANGER),
    "outsider": Actor.user(OUTSIDER),  # owns the other organization
    "guest": Actor.user(GUEST),  # invited by the organization, not of it
    "viewer": Actor.user(VIEWER),
    "manager": Actor.user(MANAGER),
    "owner": Actor.user(OWNER),
    "service": Actor.service(),
}

_ROLES = {
    OWNER: OrganizationRole.OWNER,
    MANAGER: OrganizationRole.MANAGER,
    VIEWER: OrganizationRole.VIEWER,
}


def insert_organizations(connection: Connection) -> None:
    """Insert the two organizations and the accounts of the personas."""
    for account in (*_ROLES, OUTSIDER, GUEST, STRANGER):
        create_account(connection, user_id=account)
    connection.execute(
        insert(Organization),
        [
            {"id": ORGANIZATION, "name": "House", "slug": "house"},
            {"id": OTHER_ORGANIZATION, "name": "Other", "slug": "other"},
        ],
    )
    connection.execute(
        insert(OrganizationMember),
        [
            *(
                {"organization_id": ORGANIZATION, "user_id": account, "role": role}
                for account, role in _ROLES.items()
                if account != VIEWER
            ),
            {
                "organization_id": OTHER_ORGANIZATION,
                "user_id": OUTSIDER,
                "role": OrganizationRole.OWNER,
            },
        ],
    )
    connection.execute(
        insert(OrganizationMember).values(
            id=VIEWER_MEMBERSHIP,
            organization_id=ORGANIZATION,
            user_id=VIEWER,
            role=OrganizationRole.VIEWER,
        )
    )
