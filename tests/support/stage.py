"""An organization with people in every role, as the tests of who may do what begin with it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import insert

from townhall import Organization, OrganizationMember, OrganizationRole
from townhall.testing import create_account

if TYPE_CHECKING:
    from sqlalchemy import Connection

HOUSE = UUID("00000000-0000-4000-8000-0000000000a0")
"""The organization whose rows are tried."""
ELSEWHERE = UUID("00000000-0000-4000-8000-0000000000b0")
"""Another one."""

OWNER = UUID("00000000-0000-4000-8000-0000000000a1")
MANAGER = UUID("00000000-0000-4000-8000-0000000000a2")
VIEWER = UUID("00000000-0000-4000-8000-0000000000a3")
VIEWERS_MEMBERSHIP = UUID("00000000-0000-4000-8000-0000000000a4")
OUTSIDER = UUID("00000000-0000-4000-8000-0000000000b1")
GUEST = UUID("00000000-0000-4000-8000-0000000000c1")
STRANGER = UUID("00000000-0000-4000-8000-0000000000c2")

PERSONAS: dict[str, tuple[str, UUID | None]] = {
    "anonymous": ("anon", None),
    "nameless": ("authenticated", None),  # a token that names nobody
    "stranger": ("authenticated", STRANGER),  # signed in, of no organization
    "outsider": ("authenticated", OUTSIDER),  # owns the other organization
    "guest": ("authenticated", GUEST),  # invited by the organization, not of it
    "viewer": ("authenticated", VIEWER),
    "manager": ("authenticated", MANAGER),
    "owner": ("authenticated", OWNER),
    "service": ("service_role", None),
}

_ROLES = {
    OWNER: OrganizationRole.OWNER,
    MANAGER: OrganizationRole.MANAGER,
    VIEWER: OrganizationRole.VIEWER,
}


def set_up_organizations(connection: Connection) -> None:
    """Create the two organizations and everybody's account."""
    for account in (*_ROLES, OUTSIDER, GUEST, STRANGER):
        create_account(connection, user_id=account)
    connection.execute(
        insert(Organization),
        [
            {"id": HOUSE, "name": "House", "slug": "house"},
            {"id": ELSEWHERE, "name": "Elsewhere", "slug": "elsewhere"},
        ],
    )
    connection.execute(
        insert(OrganizationMember),
        [
            *(
                {"organization_id": HOUSE, "user_id": account, "role": role}
                for account, role in _ROLES.items()
                if account != VIEWER
            ),
            {"organization_id": ELSEWHERE, "user_id": OUTSIDER, "role": OrganizationRole.OWNER},
        ],
    )
    connection.execute(
        insert(OrganizationMember).values(
            id=VIEWERS_MEMBERSHIP,
            organization_id=HOUSE,
            user_id=VIEWER,
            role=OrganizationRole.VIEWER,
        )
    )
