"""Who may do what to events, participants, tracks and seats."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from tests.events.stage import DANA, DANAS_SEAT, DANAS_TRACK, DESIGN, GALA, STARTUPS, URI
from tests.support.stage import HOUSE, PERSONAS
from tests.support.subjects import COMMANDS, Subject, check_access
from townhall import Event, Participant, ParticipantTrack, TableAssignment, Track
from townhall.domains.events.access import RULES
from townhall.testing import AccessCase, access_cases

if TYPE_CHECKING:
    from sqlalchemy import Connection

# The participant is the guest, and so are the track that was chosen and the seat the guest's.
EXPECTED = access_cases(
    """
    events  anonymous          nameless         stranger         outsider
    select  permission_denied  no_rows          no_rows          no_rows
    insert  permission_denied  violates_policy  violates_policy  violates_policy
    update  permission_denied  no_rows          no_rows          no_rows
    delete  permission_denied  no_rows          no_rows          no_rows

    events  guest              viewer           manager          owner
    select  no_rows            allowed          allowed          allowed
    insert  violates_policy    violates_policy  allowed          allowed
    update  no_rows            no_rows          allowed          allowed
    delete  no_rows            no_rows          allowed          allowed

    events  service
    select  allowed
    insert  allowed
    update  allowed
    delete  allowed

    participants  anonymous          nameless         stranger         outsider
    select        permission_denied  no_rows          no_rows          no_rows
    insert        permission_denied  violates_policy  violates_policy  violates_policy
    update        permission_denied  no_rows          no_rows          no_rows
    delete        permission_denied  no_rows          no_rows          no_rows

    participants  guest              viewer           manager          owner
    select        allowed            allowed          allowed          allowed
    insert        violates_policy    violates_policy  allowed          allowed
    update        no_rows            no_rows          allowed          allowed
    delete        no_rows            no_rows          allowed          allowed

    participants  service
    select        allowed
    insert        allowed
    update        allowed
    delete        allowed

    tracks  anonymous          nameless         stranger         outsider
    select  permission_denied  no_rows          no_rows          no_rows
    insert  permission_denied  violates_policy  violates_policy  violates_policy
    update  permission_denied  no_rows          no_rows          no_rows
    delete  permission_denied  no_rows          no_rows          no_rows

    tracks  guest              viewer           manager          owner
    select  no_rows            allowed          allowed          allowed
    insert  violates_policy    violates_policy  allowed          allowed
    update  no_rows            no_rows          allowed          allowed
    delete  no_rows            no_rows          allowed          allowed

    tracks  service
    select  allowed
    insert  allowed
    update  allowed
    delete  allowed

    participant_tracks  anonymous          nameless         stranger         outsider
    select              permission_denied  no_rows          no_rows          no_rows
    insert              permission_denied  violates_policy  violates_policy  violates_policy
    update              permission_denied  no_rows          no_rows          no_rows
    delete              permission_denied  no_rows          no_rows          no_rows

    participant_tracks  guest              viewer           manager          owner
    select              allowed            allowed          allowed          allowed
    insert              violates_policy    violates_policy  allowed          allowed
    update              no_rows            no_rows          allowed          allowed
    delete              no_rows            no_rows          allowed          allowed

    participant_tracks  service
    select              allowed
    insert              allowed
    update              allowed
    delete              allowed

    table_assignments  anonymous          nameless         stranger         outsider
    select             permission_denied  no_rows          no_rows          no_rows
    insert             permission_denied  violates_policy  violates_policy  violates_policy
    update             permission_denied  no_rows          no_rows          no_rows
    delete             permission_denied  no_rows          no_rows          no_rows

    table_assignments  guest              viewer           manager          owner
    select             allowed            allowed          allowed          allowed
    insert             violates_policy    violates_policy  allowed          allowed
    update             no_rows            no_rows          allowed          allowed
    delete             no_rows            no_rows          allowed          allowed

    table_assignments  service
    select             allowed
    insert             allowed
    update             allowed
    delete             allowed
    """
)

SUBJECTS = {
    "events": Subject(
        Event,
        key=GALA,
        new={"organization_id": HOUSE, "name": "Another"},
        change={"name": "Renamed", "settings": {"default_networking_opt_in": True}},
    ),
    "participants": Subject(
        Participant,
        key=DANA,
        new={"event_id": GALA, "first_name": "Another", "is_vip": True},
        change={"first_name": "Renamed", "is_vip": False, "networking_opt_in": True},
    ),
    "tracks": Subject(
        Track,
        key=STARTUPS,
        new={"event_id": GALA, "name": "Another"},
        change={"name": "Renamed", "is_active": False},
    ),
    "participant_tracks": Subject(
        ParticipantTrack,
        key=DANAS_TRACK,
        new={"participant_id": DANA, "track_id": DESIGN},
        change={"track_id": DESIGN, "is_primary": False},
    ),
    "table_assignments": Subject(
        TableAssignment,
        key=DANAS_SEAT,
        new={"event_id": GALA, "participant_id": URI, "table_number": 2, "seat_number": 1},
        change={"table_number": 2, "seat_number": None, "is_vip_table": True},
    ),
}


@pytest.mark.parametrize("case", EXPECTED, ids=str)
def test_access(connection: Connection, case: AccessCase) -> None:
    check_access(connection, SUBJECTS[case.table], case)


def test_every_table_is_tried_with_every_command_by_everybody() -> None:
    tables = [rule.table.name for rule in RULES]
    tried = {(case.table, case.command, case.persona) for case in EXPECTED}
    assert tried == set(product(tables, COMMANDS, PERSONAS))
