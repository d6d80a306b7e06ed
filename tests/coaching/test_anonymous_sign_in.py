"""What a user of an anonymous sign-in may do in coaching, as a participant, creator or owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.coaching.data import CREATOR, OWNER, PARTICIPANT
from tests.coaching.test_access import TARGETS, VIEWS
from tests.support.access_matrix import check_access
from tests.support.personas import anonymous_sign_in
from townhall.testing import AccessCase, access_cases

if TYPE_CHECKING:
    from sqlalchemy import Connection

PERSONAS = {
    "creator": anonymous_sign_in(CREATOR),
    "participant": anonymous_sign_in(PARTICIPANT),
    "owner": anonymous_sign_in(OWNER),
}
CASES = access_cases(
    """
    tenant_profiles  creator participant owner
    select           0       0           +
    insert           x       x           x
    update           0       0           0
    delete           x       x           x

    campaigns  creator participant owner
    select     0       0           +
    insert     !       !           !
    update     0       0           0
    delete     0       0           0

    creator_campaign  creator participant owner
    select            +       0           0
    insert            !       !           !
    update            0       0           0
    delete            0       0           0

    participant_sessions  creator participant owner
    select                0       +           +
    insert                x       x           x
    update                0       0           0
    delete                x       x           x

    functions                     creator participant owner
    start_participant_session     r       +           r
    complete_participant_session  r       +           r
    """
)
OF_VIEWS = [
    case._replace(target=view)
    for view in VIEWS
    for case in CASES
    if case.target == "participant_sessions"
]


@pytest.mark.parametrize("case", [*CASES, *OF_VIEWS], ids=str)
def test_running_a_campaign_needs_an_account_and_taking_part_needs_none(
    connection: Connection, case: AccessCase
) -> None:
    check_access(connection, TARGETS, PERSONAS, case)
