"""What a user of an anonymous sign-in may do at an event, as a guest or a manager."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.events.test_access import TARGETS
from tests.support.access_matrix import check_access
from tests.support.organizations import GUEST, MANAGER
from tests.support.personas import anonymous_sign_in
from townhall.testing import AccessCase, access_cases

if TYPE_CHECKING:
    from sqlalchemy import Connection

PERSONAS = {"guest": anonymous_sign_in(GUEST), "manager": anonymous_sign_in(MANAGER)}
CASES = access_cases(
    """
    events  guest manager
    select  0     +
    insert  !     !
    update  0     0
    delete  0     0

    participants  guest manager
    select        +     +
    insert        !     !
    update        0     0
    delete        0     0

    tracks  guest manager
    select  0     +
    insert  !     !
    update  0     0
    delete  0     0

    participant_tracks  guest manager
    select              +     +
    insert              !     !
    update              0     0
    delete              0     0

    table_assignments  guest manager
    select             +     +
    insert             !     !
    update             0     0
    delete             0     0

    views             guest manager
    track_statistics  0     +

    functions              guest manager
    set_networking_opt_in  +     r

    guest_without_account  guest manager
    set_networking_opt_in  r     r
    """
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_managing_an_event_needs_an_account_and_taking_part_needs_none(
    connection: Connection, case: AccessCase
) -> None:
    check_access(connection, TARGETS, PERSONAS, case)
