"""Who may do what to people and organizations."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from tests.support.stage import GUEST, HOUSE, PERSONAS, STRANGER, VIEWERS_MEMBERSHIP
from tests.support.subjects import COMMANDS, Subject, check_access
from townhall import Organization, OrganizationMember, OrganizationRole, Profile
from townhall.domains.identity.access import RULES
from townhall.testing import AccessCase, access_cases

if TYPE_CHECKING:
    from sqlalchemy import Connection

# The profile is the guest's, and the one that is inserted would be the stranger's. The membership
# is the viewer's, and the one that is inserted would be the stranger's too.
EXPECTED = access_cases(
    """
    profiles  anonymous          nameless           stranger           outsider
    select    permission_denied  no_rows            no_rows            no_rows
    insert    permission_denied  violates_policy    allowed            violates_policy
    update    permission_denied  no_rows            no_rows            no_rows
    delete    permission_denied  permission_denied  permission_denied  permission_denied

    profiles  guest              viewer             manager            owner
    select    allowed            no_rows            no_rows            no_rows
    insert    violates_policy    violates_policy    violates_policy    violates_policy
    update    allowed            no_rows            no_rows            no_rows
    delete    permission_denied  permission_denied  permission_denied  permission_denied

    profiles  service
    select    allowed
    insert    allowed
    update    allowed
    delete    allowed

    organizations  anonymous          nameless           stranger           outsider
    select         permission_denied  no_rows            no_rows            no_rows
    insert         permission_denied  permission_denied  permission_denied  permission_denied
    update         permission_denied  no_rows            no_rows            no_rows
    delete         permission_denied  permission_denied  permission_denied  permission_denied

    organizations  guest              viewer             manager            owner
    select         no_rows            allowed            allowed            allowed
    insert         permission_denied  permission_denied  permission_denied  permission_denied
    update         no_rows            no_rows            no_rows            allowed
    delete         permission_denied  permission_denied  permission_denied  permission_denied

    organizations  service
    select         allowed
    insert         allowed
    update         allowed
    delete         allowed

    organization_members  anonymous          nameless         stranger         outsider
    select                permission_denied  no_rows          no_rows          no_rows
    insert                permission_denied  violates_policy  violates_policy  violates_policy
    update                permission_denied  no_rows          no_rows          no_rows
    delete                permission_denied  no_rows          no_rows          no_rows

    organization_members  guest            viewer           manager          owner
    select                no_rows          allowed          allowed          allowed
    insert                violates_policy  violates_policy  violates_policy  allowed
    update                no_rows          no_rows          no_rows          allowed
    delete                no_rows          no_rows          no_rows          allowed

    organization_members  service
    select                allowed
    insert                allowed
    update                allowed
    delete                allowed
    """
)

SUBJECTS = {
    "profiles": Subject(
        Profile,
        key=GUEST,
        new={"id": STRANGER, "full_name": "Noa Stranger"},
        change={"full_name": "Somebody Else"},
    ),
    "organizations": Subject(
        Organization,
        key=HOUSE,
        new={"name": "Third", "slug": "third"},
        change={"name": "Renamed", "settings": {"language": "he"}},
    ),
    "organization_members": Subject(
        OrganizationMember,
        key=VIEWERS_MEMBERSHIP,
        new={"organization_id": HOUSE, "user_id": STRANGER, "role": OrganizationRole.VIEWER},
        change={"role": OrganizationRole.OWNER},
    ),
}


@pytest.mark.parametrize("case", EXPECTED, ids=str)
def test_access(connection: Connection, case: AccessCase) -> None:
    check_access(connection, SUBJECTS[case.table], case)


def test_every_table_is_tried_with_every_command_by_everybody() -> None:
    tables = [rule.table.name for rule in RULES]
    tried = {(case.table, case.command, case.persona) for case in EXPECTED}
    assert tried == set(product(tables, COMMANDS, PERSONAS))
