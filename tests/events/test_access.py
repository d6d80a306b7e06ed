"""Access to events, participants, tracks and seats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.events.data import DANA, DANA_SEAT, DANA_TRACK, DESIGN, EVENT, STARTUPS, URI
from tests.support.access_matrix import Functions, TableRow, Target, Views, check_access
from tests.support.organizations import ORGANIZATION, PERSONAS
from tests.support.personas import with_anonymous_sign_in
from townhall import Event, Participant, ParticipantTrack, TableAssignment, Track
from townhall.testing import AccessCase, access_cases

if TYPE_CHECKING:
    from sqlalchemy import Connection

# The participant is the guest; the chosen track and the seat are the guest's.
CASES = access_cases(
    """
    events  anon no_sub stranger outsider guest viewer manager owner service
    select  x    0      0        0        0     +      +       +     +
    insert  x    !      !        !        !     !      +       +     +
    update  x    0      0        0        0     0      +       +     +
    delete  x    0      0        0        0     0      +       +     +

    participants  anon no_sub stranger outsider guest viewer manager owner service
    select        x    0      0        0        +     +      +       +     +
    insert        x    !      !        !        !     !      +       +     +
    update        x    0      0        0        0     0      +       +     +
    delete        x    0      0        0        0     0      +       +     +

    tracks  anon no_sub stranger outsider guest viewer manager owner service
    select  x    0      0        0        0     +      +       +     +
    insert  x    !      !        !        !     !      +       +     +
    update  x    0      0        0        0     0      +       +     +
    delete  x    0      0        0        0     0      +       +     +

    participant_tracks  anon no_sub stranger outsider guest viewer manager owner service
    select              x    0      0        0        +     +      +       +     +
    insert              x    !      !        !        !     !      +       +     +
    update              x    0      0        0        0     0      +       +     +
    delete              x    0      0        0        0     0      +       +     +

    table_assignments  anon no_sub stranger outsider guest viewer manager owner service
    select             x    0      0        0        +     +      +       +     +
    insert             x    !      !        !        !     !      +       +     +
    update             x    0      0        0        0     0      +       +     +
    delete             x    0      0        0        0     0      +       +     +

    views             anon no_sub stranger outsider guest viewer manager owner service
    track_statistics  x    0      0        0        0     +      +       +     +

    functions              anon no_sub stranger outsider guest viewer manager owner service
    set_networking_opt_in  x    r      r        r        +     r      r       r     x

    guest_without_account  anon no_sub stranger outsider guest viewer manager owner service
    set_networking_opt_in  x    r      r        r        r     r      +       +     x
    """
)
MATRIX = with_anonymous_sign_in(CASES)

TARGETS: dict[str, Target] = {
    "events": TableRow(
        Event,
        key=EVENT,
        new={"organization_id": ORGANIZATION, "name": "Another"},
        change={"name": "Renamed", "settings": {"default_networking_opt_in": True}},
    ),
    "participants": TableRow(
        Participant,
        key=DANA,
        new={"event_id": EVENT, "first_name": "Another", "is_vip": True},
        change={"first_name": "Renamed", "is_vip": False},
    ),
    "tracks": TableRow(
        Track,
        key=STARTUPS,
        new={"event_id": EVENT, "name": "Another"},
        change={"name": "Renamed", "is_active": False},
    ),
    "participant_tracks": TableRow(
        ParticipantTrack,
        key=DANA_TRACK,
        new={"participant_id": DANA, "track_id": DESIGN},
        change={"track_id": DESIGN, "is_primary": False},
    ),
    "table_assignments": TableRow(
        TableAssignment,
        key=DANA_SEAT,
        new={"event_id": EVENT, "participant_id": URI, "table_number": 2, "seat_number": 1},
        change={"table_number": 2, "seat_number": None, "is_vip_table": True},
    ),
    "views": Views(
        {"track_statistics": f"select from public.track_statistics where event_id = '{EVENT}'"}
    ),
    "functions": Functions(
        {"set_networking_opt_in": f"select public.set_networking_opt_in('{DANA}', true)"}
    ),
    "guest_without_account": Functions(
        {"set_networking_opt_in": f"select public.set_networking_opt_in('{URI}', true)"}
    ),
}


@pytest.mark.parametrize("case", MATRIX, ids=str)
def test_access(connection: Connection, case: AccessCase) -> None:
    check_access(connection, TARGETS, PERSONAS, case)
