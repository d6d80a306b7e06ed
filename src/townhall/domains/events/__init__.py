"""Events with their participants, tracks and seats."""

from __future__ import annotations

from townhall.domains.events.models import (
    AssignedBy,
    Event,
    EventStatus,
    Participant,
    ParticipantStatus,
    ParticipantTrack,
    TableAssignment,
    Track,
    TrackStatistics,
)
from townhall.domains.events.queries import (
    Place,
    assign_seats,
    participants_of,
    seat,
    seating_plan,
    set_networking_opt_in,
    swap_seats,
    track_statistics_of,
)

__all__ = [
    "AssignedBy",
    "Event",
    "EventStatus",
    "Participant",
    "ParticipantStatus",
    "ParticipantTrack",
    "Place",
    "TableAssignment",
    "Track",
    "TrackStatistics",
    "assign_seats",
    "participants_of",
    "seat",
    "seating_plan",
    "set_networking_opt_in",
    "swap_seats",
    "track_statistics_of",
]
