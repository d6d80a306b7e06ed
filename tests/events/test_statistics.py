"""The statistics of the tracks of an event."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, insert, select, text, update

from tests.events.data import DANA, DESIGN, EVENT, OTHER_EVENT, ROBOTS, STARTUPS, URI, insert_events
from tests.support.organizations import (
    MANAGER,
    ORGANIZATION,
    OUTSIDER,
    PERSONAS,
    VIEWER,
    insert_organizations,
)
from tests.support.plans import plan_of
from townhall import Participant, ParticipantTrack, Track, TrackStatistics
from townhall.domains.events import track_statistics_of
from townhall.testing import acting

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import Connection, Engine

    from townhall.session import SessionFactory


A_FEW = 200  # its organization has 101 events, with thousands of rows in each table
MANY_EVENTS = """
insert into public.events (organization_id, name)
select :organization, n from generate_series(1, 100) as n;

insert into public.tracks (event_id, name)
select e.id, n from public.events as e, generate_series(1, 5) as n where e.name ~ '^[0-9]+$';

insert into public.participants (event_id, first_name)
select e.id, n from public.events as e, generate_series(1, 40) as n where e.name ~ '^[0-9]+$';

insert into public.participant_tracks (participant_id, track_id)
select p.id, t.id
from public.participants as p join public.tracks as t on t.event_id = p.event_id
where t.name ~ '^[0-9]+$'
"""


def _place(connection: Connection, track: UUID, count: int) -> None:
    participants = connection.scalars(
        insert(Participant).returning(Participant.id), [{"event_id": EVENT}] * count
    ).all()
    connection.execute(
        insert(ParticipantTrack),
        [{"participant_id": participant, "track_id": track} for participant in participants],
    )


def _percentages(connection: Connection) -> Sequence[Decimal | None]:
    return connection.scalars(
        select(TrackStatistics.percentage)
        .where(TrackStatistics.event_id == EVENT)
        .order_by(TrackStatistics.track_name)
    ).all()


def test_participants_of_each_track_are_counted(
    sessions: SessionFactory, connection: Connection
) -> None:
    connection.execute(update(Track).where(Track.id == DESIGN).values(color="#00aa88"))
    for track in (STARTUPS, DESIGN):
        connection.execute(insert(ParticipantTrack).values(participant_id=URI, track_id=track))
    with sessions.as_user(VIEWER) as session:
        startups, design = session.scalars(track_statistics_of(EVENT))
        assert (startups.track_id, startups.event_id, startups.track_name, startups.color) == (
            STARTUPS,
            EVENT,
            "Startups",
            None,
        )
        assert (startups.participant_count, startups.vip_count, startups.primary_count) == (2, 1, 1)
        assert startups.percentage == Decimal("66.7")
        assert (design.track_id, design.color) == (DESIGN, "#00aa88")
        assert (design.participant_count, design.vip_count, design.primary_count) == (1, 0, 0)
        assert design.percentage == Decimal("33.3")


def test_empty_track_has_count_zero(sessions: SessionFactory) -> None:
    with sessions.as_user(MANAGER) as session:
        _, design = session.scalars(track_statistics_of(EVENT))
        assert (design.participant_count, design.vip_count, design.primary_count) == (0, 0, 0)
        assert design.percentage == Decimal("0.0")


def test_percentage_is_null_where_the_event_has_no_placements(connection: Connection) -> None:
    connection.execute(delete(ParticipantTrack))
    assert _percentages(connection) == [None, None]


def test_inactive_track_and_its_placements_are_left_out(connection: Connection) -> None:
    _place(connection, DESIGN, 3)
    assert _percentages(connection) == [Decimal("75.0"), Decimal("25.0")]
    connection.execute(update(Track).where(Track.id == STARTUPS).values(is_active=False))
    assert _percentages(connection) == [Decimal("100.0")]


def test_percentages_are_rounded_to_one_decimal(connection: Connection) -> None:
    """Half is rounded away from zero, as for type numeric."""
    _place(connection, DESIGN, 15)
    assert _percentages(connection) == [Decimal("93.8"), Decimal("6.3")]


def test_percentages_count_only_placements_of_the_event(connection: Connection) -> None:
    _place(connection, DESIGN, 9)
    robots = select(TrackStatistics.percentage).where(TrackStatistics.track_id == ROBOTS)
    assert connection.scalar(robots) == Decimal("100.0")
    assert _percentages(connection) == [Decimal("90.0"), Decimal("10.0")]


def test_statistics_are_those_of_one_event(sessions: SessionFactory) -> None:
    with sessions.as_user(OUTSIDER) as session:
        assert session.scalars(track_statistics_of(EVENT)).all() == []
        assert [
            track.track_name for track in session.scalars(track_statistics_of(OTHER_EVENT))
        ] == ["Robots"]


@pytest.mark.thorough
def test_participant_who_becomes_vip_is_counted_as_vip(connection: Connection) -> None:
    counted = select(TrackStatistics.vip_count).where(TrackStatistics.track_id == STARTUPS)
    assert connection.scalar(counted) == 1
    connection.execute(update(Participant).where(Participant.id == DANA).values(is_vip=False))
    assert connection.scalar(counted) == 0


@pytest.mark.thorough
def test_query_of_one_event_reads_no_other_event(townhall_engine: Engine) -> None:
    """The organization has a hundred more events, with twenty thousand placements."""
    with townhall_engine.begin() as connection:
        insert_organizations(connection)
        insert_events(connection)
        for statement in MANY_EVENTS.split(";"):
            connection.execute(text(statement), {"organization": ORGANIZATION})
    with townhall_engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("vacuum analyze"))
    with townhall_engine.connect() as connection, acting(connection, PERSONAS["manager"]):
        connection.execute(text("set local enable_seqscan = off"))  # tables are small here
        plan = plan_of(connection, track_statistics_of(EVENT), run=True)
    for table in ("tracks", "participant_tracks", "participants"):
        assert [node["Node Type"] for node in plan.scans(table)] != ["Seq Scan"]
    assert plan.most_rows < A_FEW


def test_comment_of_the_view_is_in_both_languages(connection: Connection) -> None:
    columns = text(
        """
        select attname, col_description(attrelid, attnum) as comment
        from pg_attribute
        where attrelid = 'public.track_statistics'::regclass and attnum > 0
        """
    )
    comments = {row.attname: row.comment for row in connection.execute(columns)}
    assert list(comments) == [column.name for column in TrackStatistics.__table__.columns]
    for comment in comments.values():
        hebrew, _, english = comment.partition(" (")
        assert any("א" <= letter <= "ת" for letter in hebrew)
        assert english.isascii()
