"""Sample data: an event of each organization."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import insert

from tests.support.organizations import GUEST, ORGANIZATION, OTHER_ORGANIZATION
from townhall import Event, Participant, ParticipantTrack, TableAssignment, Track

if TYPE_CHECKING:
    from sqlalchemy import Connection

EVENT = UUID("00000000-0000-4000-8000-000000000e01")
"""The event whose rows the access matrix tries."""
DANA = UUID("00000000-0000-4000-8000-000000000e02")
"""Its participant with the guest's account: a VIP, seated, in the track of startups."""
URI = UUID("00000000-0000-4000-8000-000000000e03")
"""Its participant without an account, a seat or a track."""
STARTUPS = UUID("00000000-0000-4000-8000-000000000e04")
DESIGN = UUID("00000000-0000-4000-8000-000000000e05")
DANA_TRACK = UUID("00000000-0000-4000-8000-000000000e06")
DANA_SEAT = UUID("00000000-0000-4000-8000-000000000e07")

OTHER_EVENT = UUID("00000000-0000-4000-8000-000000000f01")
"""The event of the other organization."""
NOAM = UUID("00000000-0000-4000-8000-000000000f02")
"""Its participant, without an account."""
ROBOTS = UUID("00000000-0000-4000-8000-000000000f04")
"""Its track, with Noam in it."""


def insert_events(connection: Connection) -> None:
    """Insert the two events, after the organizations."""
    connection.execute(
        insert(Event),
        [
            {"id": EVENT, "organization_id": ORGANIZATION, "name": "Gala"},
            {"id": OTHER_EVENT, "organization_id": OTHER_ORGANIZATION, "name": "Fair"},
        ],
    )
    connection.execute(
        insert(Participant).values(
            id=DANA,
            event_id=EVENT,
            user_id=GUEST,
            first_name="דנה",
            last_name="Guest",
            email="dana@example.com",
            is_vip=True,
            networking_opt_in=False,
        )
    )
    connection.execute(
        insert(Participant),
        [
            {"id": URI, "event_id": EVENT, "first_name": "Uri", "email": "uri@example.com"},
            {
                "id": NOAM,
                "event_id": OTHER_EVENT,
                "first_name": "Noam",
                "email": "noam@example.org",
            },
        ],
    )
    connection.execute(
        insert(Track),
        [
            {"id": STARTUPS, "event_id": EVENT, "name": "Startups"},
            {"id": DESIGN, "event_id": EVENT, "name": "Design"},
            {"id": ROBOTS, "event_id": OTHER_EVENT, "name": "Robots"},
        ],
    )
    connection.execute(
        insert(ParticipantTrack).values(
            id=DANA_TRACK, participant_id=DANA, track_id=STARTUPS, is_primary=True
        )
    )
    connection.execute(insert(ParticipantTrack).values(participant_id=NOAM, track_id=ROBOTS))
    connection.execute(
        insert(TableAssignment).values(
            id=DANA_SEAT, event_id=EVENT, participant_id=DANA, table_number=1, seat_number=1
        )
    )
    connection.execute(
        insert(TableAssignment).values(
            event_id=OTHER_EVENT, participant_id=NOAM, table_number=1, seat_number=1
        )
    )
