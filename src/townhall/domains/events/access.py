"""Who may do what to events, participants, tracks and seats."""

from __future__ import annotations

from townhall.domains.events.models import (
    Event,
    Participant,
    ParticipantTrack,
    TableAssignment,
    Track,
)
from townhall.domains.identity import access as identity
from townhall.pg.access import Access, Who, anyone_with, owner


def members(column: str) -> Who:
    """Return the members of the organization of the event whose id is in ``column``."""
    return anyone_with(column, "my_event_ids", "members")


def managers(column: str) -> Who:
    """Return the managers of the event whose id is in ``column``."""
    return anyone_with(column, "my_managed_event_ids", "managers")


def participant(column: str) -> Who:
    """Return the person behind the participant whose id is in ``column``."""
    return anyone_with(column, "my_participant_ids", "the participant")


RULES = (
    Access(
        Event,
        read=identity.members("organization_id"),
        write=identity.managers("organization_id"),
        fixed=("organization_id",),
    ),
    Access(
        Participant,
        read=members("event_id") | owner("user_id", "the participant"),
        write=managers("event_id"),
        fixed=("event_id",),
    ),
    Access(Track, read=members("event_id"), write=managers("event_id"), fixed=("event_id",)),
    Access(
        ParticipantTrack,
        read=members("event_id") | participant("participant_id"),
        write=managers("event_id"),
    ),
    Access(
        TableAssignment,
        read=members("event_id") | participant("participant_id"),
        write=managers("event_id"),
        fixed=("event_id",),
    ),
)
