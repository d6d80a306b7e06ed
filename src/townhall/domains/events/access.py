"""Access to events, participants, tracks and seats."""

from __future__ import annotations

from townhall.domains.events.functions import (
    MY_EVENT_IDS,
    MY_MANAGED_EVENT_IDS,
    MY_PARTICIPANT_IDS,
)
from townhall.domains.events.models import (
    Event,
    Participant,
    ParticipantTrack,
    TableAssignment,
    Track,
)
from townhall.domains.identity import access as identity
from townhall.pg.access import Access, Attribute, Principal, anyone_with, owner

THE_PARTICIPANT = "the participant"


def members(event_id: Attribute) -> Principal:
    """Return the members of the organization of the event whose id is in a column."""
    return anyone_with(event_id, MY_EVENT_IDS, "members of the event")


def managers(event_id: Attribute) -> Principal:
    """Return those with an account who manage the event whose id is in a column."""
    return anyone_with(event_id, MY_MANAGED_EVENT_IDS, "managers of the event")


def participant(participant_id: Attribute) -> Principal:
    """Return the user who is the participant whose id is in a column."""
    return anyone_with(participant_id, MY_PARTICIPANT_IDS, THE_PARTICIPANT)


RULES = (
    Access(
        Event,
        read=identity.members(Event.organization_id),
        write=identity.managers(Event.organization_id),
        fixed=(Event.organization_id,),
    ),
    Access(
        Participant,
        read=members(Participant.event_id) | owner(Participant.user_id, THE_PARTICIPANT),
        write=managers(Participant.event_id),
        fixed=(Participant.event_id, Participant.networking_opt_in),
    ),
    Access(
        Track,
        read=members(Track.event_id),
        write=managers(Track.event_id),
        fixed=(Track.event_id,),
    ),
    Access(
        ParticipantTrack,
        read=members(ParticipantTrack.event_id) | participant(ParticipantTrack.participant_id),
        write=managers(ParticipantTrack.event_id),
    ),
    Access(
        TableAssignment,
        read=members(TableAssignment.event_id) | participant(TableAssignment.participant_id),
        write=managers(TableAssignment.event_id),
        fixed=(TableAssignment.event_id,),
    ),
)
