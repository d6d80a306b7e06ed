"""What a user of an anonymous sign-in may do in an organization, as its owner or a viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from tests.identity.test_access import TARGETS
from tests.support.access_matrix import check_access
from tests.support.organizations import GUEST, OWNER, STRANGER, VIEWER
from tests.support.personas import anonymous_sign_in
from townhall import Profile
from townhall.testing import AccessCase, Outcome, access_cases, acting, outcome

if TYPE_CHECKING:
    from sqlalchemy import Connection

PERSONAS = {
    "guest": anonymous_sign_in(GUEST),
    "viewer": anonymous_sign_in(VIEWER),
    "owner": anonymous_sign_in(OWNER),
}
CASES = access_cases(
    """
    profiles  guest viewer owner
    select    +     0      0
    insert    !     !      !
    update    +     0      0
    delete    x     x      x

    organizations  guest viewer owner
    select         0     +      +
    insert         x     x      x
    update         0     0      0
    delete         x     x      x

    organization_members  guest viewer owner
    select                0     +      +
    insert                !     !      !
    update                0     0      0
    delete                0     0      0
    """
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_managing_an_organization_needs_an_account(
    connection: Connection, case: AccessCase
) -> None:
    check_access(connection, TARGETS, PERSONAS, case)


def test_own_profile_is_inserted_without_an_account(connection: Connection) -> None:
    with acting(connection, anonymous_sign_in(STRANGER)):
        own = insert(Profile).values(id=STRANGER, full_name="Noa")
        assert outcome(connection, own) is Outcome.ALLOWED
