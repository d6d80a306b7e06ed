"""Tracks: the placements of participants, all of one event, at most one of them primary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from tests.events.data import (
    DANA,
    DANA_TRACK,
    DESIGN,
    EVENT,
    NOAM,
    OTHER_EVENT,
    ROBOTS,
    STARTUPS,
    URI,
)
from tests.support.organizations import MANAGER
from townhall import Event, Participant, ParticipantTrack, Track

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Connection

    from townhall.session import SessionFactory


def test_placement_takes_the_event_of_its_participant(sessions: SessionFactory) -> None:
    with sessions.as_user(MANAGER) as session:
        placement = ParticipantTrack(participant_id=URI, track_id=DESIGN)
        session.add(placement)
        session.flush()
        assert placement.event_id == EVENT
        assert placement.is_primary is False


def test_manager_places_participants_by_relationship(sessions: SessionFactory) -> None:
    """The insert does not name the event, which no client may write."""
    with sessions.as_user(MANAGER) as session:
        event = session.get_one(Event, EVENT)
        track = Track(event=event, name="Robots")
        participant = Participant(event=event, first_name="New")
        placement = ParticipantTrack(participant=participant, track=track, is_primary=True)
        session.add(placement)
        session.flush()
        assert placement.event_id == EVENT
        loaded = session.scalars(
            select(Participant)
            .where(Participant.id == participant.id)
            .options(selectinload(Participant.tracks).joinedload(ParticipantTrack.track))
            .execution_options(populate_existing=True)
        ).one()
        assert [placement.track.name for placement in loaded.tracks] == ["Robots"]


def test_orm_reads_back_the_event_that_the_trigger_sets_on_update(sessions: SessionFactory) -> None:
    with sessions.as_service() as session:
        session.execute(delete(ParticipantTrack).where(ParticipantTrack.participant_id == NOAM))
        placement = session.get_one(ParticipantTrack, DANA_TRACK)
        placement.participant_id, placement.track_id = NOAM, ROBOTS
        session.flush()
        assert placement.event_id == OTHER_EVENT


@pytest.mark.parametrize("event", [EVENT, OTHER_EVENT])
def test_given_event_of_a_placement_is_ignored(connection: Connection, event: UUID) -> None:
    new = (
        insert(ParticipantTrack)
        .values(participant_id=URI, track_id=DESIGN, event_id=event)
        .returning(ParticipantTrack.event_id)
    )
    assert connection.scalar(new) == EVENT
    connection.execute(update(ParticipantTrack).values(event_id=event))
    placed = select(ParticipantTrack.event_id).where(ParticipantTrack.id == DANA_TRACK)
    assert connection.scalar(placed) == EVENT


@pytest.mark.parametrize(("participant", "track"), [(URI, ROBOTS), (NOAM, DESIGN)])
def test_placement_across_events_is_refused(
    connection: Connection, participant: UUID, track: UUID
) -> None:
    new = insert(ParticipantTrack).values(participant_id=participant, track_id=track)
    with pytest.raises(IntegrityError, match="fk_participant_tracks_event_id_track_id_tracks"):
        connection.execute(new)


@pytest.mark.parametrize("model", [Participant, Track])
def test_placed_participant_or_track_cannot_move_to_another_event(
    connection: Connection, model: type[Participant | Track]
) -> None:
    move = update(model).where(model.id.in_([DANA, STARTUPS])).values(event_id=OTHER_EVENT)
    with pytest.raises(IntegrityError, match="is still referenced"):
        connection.execute(move)


def test_second_primary_track_is_refused(connection: Connection) -> None:
    second = insert(ParticipantTrack).values(participant_id=DANA, track_id=DESIGN, is_primary=True)
    with pytest.raises(IntegrityError, match="uq_participant_tracks_primary"):
        connection.execute(second)


def test_participant_may_have_no_primary_track(connection: Connection) -> None:
    for track in (STARTUPS, DESIGN):
        connection.execute(insert(ParticipantTrack).values(participant_id=URI, track_id=track))
    placed = select(ParticipantTrack.is_primary).where(ParticipantTrack.participant_id == URI)
    assert connection.scalars(placed).all() == [False, False]


def test_duplicate_placement_is_refused(connection: Connection) -> None:
    again = insert(ParticipantTrack).values(participant_id=DANA, track_id=STARTUPS)
    with pytest.raises(IntegrityError, match="uq_participant_tracks_participant_id_track_id"):
        connection.execute(again)


def test_duplicate_track_name_within_an_event_is_refused(connection: Connection) -> None:
    connection.execute(insert(Track).values(event_id=OTHER_EVENT, name="Design"))
    with pytest.raises(IntegrityError, match="uq_tracks_event_id_name"):
        connection.execute(insert(Track).values(event_id=EVENT, name="Design"))


@pytest.mark.parametrize("model", [Participant, Track])
def test_deleting_a_participant_or_track_deletes_its_placements(
    connection: Connection, model: type[Participant | Track]
) -> None:
    connection.execute(delete(model).where(model.id.in_([DANA, STARTUPS])))
    left = select(ParticipantTrack.participant_id)
    assert connection.scalars(left).all() == [NOAM]


def test_deleting_an_event_deletes_everything_of_it(connection: Connection) -> None:
    connection.execute(delete(Event).where(Event.id == EVENT))
    for model in (Participant, Track, ParticipantTrack):
        assert connection.scalars(select(model.event_id)).all() == [OTHER_EVENT]


def test_duplicate_email_within_an_event_is_refused_whatever_its_case(
    connection: Connection,
) -> None:
    same = insert(Participant).values(event_id=EVENT, email="Dana@Example.COM")
    with pytest.raises(IntegrityError, match="uq_participants_event_id_email"):
        connection.execute(same)


def test_several_participants_may_have_no_email(connection: Connection) -> None:
    nameless = [{"event_id": EVENT, "email": None}, {"event_id": EVENT, "email": None}]
    connection.execute(insert(Participant), nameless)


def test_event_that_ends_before_it_starts_is_refused(connection: Connection) -> None:
    with pytest.raises(IntegrityError, match="ck_events_ends_after_start"):
        connection.execute(
            text("update public.events set starts_at = now(), ends_at = now() - interval '1s'")
        )


def test_event_may_end_when_it_starts(connection: Connection) -> None:
    connection.execute(text("update public.events set starts_at = now(), ends_at = now()"))
