"""Events: who comes, what they come for, where they sit."""

from __future__ import annotations

from townhall.events.models import (
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

__all__ = [
    "AssignedBy",
    "Event",
    "EventStatus",
    "Participant",
    "ParticipantStatus",
    "ParticipantTrack",
    "TableAssignment",
    "Track",
    "TrackStatistics",
]
