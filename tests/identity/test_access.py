"""Access to people and organizations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.access_matrix import TableRow, Target, check_access
from tests.support.organizations import GUEST, ORGANIZATION, PERSONAS, STRANGER, VIEWER_MEMBERSHIP
from tests.support.personas import with_anonymous_sign_in
from townhall import Organization, OrganizationMember, OrganizationRole, Profile
from townhall.testing import AccessCase, access_cases

if TYPE_CHECKING:
    from sqlalchemy import Connection

# The profile is the guest's, the membership the viewer's. Those that are inserted would be the
# stranger's.
CASES = access_cases(
    """
    profiles  anon no_sub stranger outsider guest viewer manager owner service
    select    x    0      0        0        +     0      0       0     +
    insert    x    !      +        !        !     !      !       !     +
    update    x    0      0        0        +     0      0       0     +
    delete    x    x      x        x        x     x      x       x     +

    organizations  anon no_sub stranger outsider guest viewer manager owner service
    select         x    0      0        0        0     +      +       +     +
    insert         x    x      x        x        x     x      x       x     +
    update         x    0      0        0        0     0      0       +     +
    delete         x    x      x        x        x     x      x       x     +

    organization_members  anon no_sub stranger outsider guest viewer manager owner service
    select                x    0      0        0        0     +      +       +     +
    insert                x    !      !        !        !     !      !       +     +
    update                x    0      0        0        0     0      0       +     +
    delete                x    0      0        0        0     0      0       +     +
    """
)
MATRIX = with_anonymous_sign_in(CASES)

TARGETS: dict[str, Target] = {
    "profiles": TableRow(
        Profile,
        key=GUEST,
        new={"id": STRANGER, "full_name": "Noa Stranger"},
        change={"full_name": "Renamed"},
    ),
    "organizations": TableRow(
        Organization,
        key=ORGANIZATION,
        new={"name": "Third", "slug": "third"},
        change={"name": "Renamed", "settings": {"language": "he"}},
    ),
    "organization_members": TableRow(
        OrganizationMember,
        key=VIEWER_MEMBERSHIP,
        new={"organization_id": ORGANIZATION, "user_id": STRANGER, "role": OrganizationRole.VIEWER},
        change={"role": OrganizationRole.OWNER},
    ),
}


@pytest.mark.parametrize("case", MATRIX, ids=str)
def test_access(connection: Connection, case: AccessCase) -> None:
    check_access(connection, TARGETS, PERSONAS, case)
