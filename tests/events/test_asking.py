"""Statements that ask for one event: what they read, and what the asking can't change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, bindparam, func, insert, select, text, true
from sqlalchemy.exc import DBAPIError

from tests.events.data import EVENT, OTHER_EVENT
from tests.support.organizations import MANAGER, OTHER_ORGANIZATION, PERSONAS
from tests.support.plans import plan_of
from townhall import (
    Event,
    OrganizationMember,
    Participant,
    ParticipantTrack,
    TableAssignment,
    Track,
    TrackStatistics,
)
from townhall.base import asking_for
from townhall.base.asking import setting_of
from townhall.domains.events import participants_of, seating_plan, track_statistics_of
from townhall.input_error import InputError
from townhall.session import SessionFactory
from townhall.testing import acting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

TABLES = (Participant, Track, ParticipantTrack, TableAssignment)
SETTING = "asked_for.public.events.id"
_SET = select(func.set_config(SETTING, bindparam("value"), True))  # noqa: FBT003


def _read(connection: Connection) -> list[Sequence[object]]:
    keys = [connection.execute(select(table.id).order_by(table.id)).all() for table in TABLES]
    tracks = select(TrackStatistics.track_id).order_by(TrackStatistics.track_id)
    return [*keys, connection.execute(tracks).all()]


@pytest.mark.parametrize("persona", sorted(PERSONAS.keys() - {"anon"}))  # who reads nothing
def test_asking_for_events_changes_nothing_that_is_read(
    connection: Connection, persona: str
) -> None:
    with acting(connection, PERSONAS[persona]):
        expected = _read(connection)
        for asked in ([], [EVENT], [OTHER_EVENT], [EVENT, OTHER_EVENT], [EVENT, "null"]):
            value = "{" + ",".join(map(str, asked)) + "}"
            connection.execute(_SET, {"value": value})
            assert _read(connection) == expected


@pytest.mark.parametrize("value", ["x", "{x}"])
def test_what_is_no_list_of_keys_reaches_no_row(connection: Connection, value: str) -> None:
    with acting(connection, PERSONAS["viewer"]):
        connection.execute(_SET, {"value": value})
        with pytest.raises(DBAPIError, match=r"array literal|type uuid"), connection.begin_nested():
            connection.execute(select(Participant.id)).all()


def test_asking_for_an_event_of_others_tells_nothing_of_it(connection: Connection) -> None:
    with acting(connection, PERSONAS["manager"]):
        for query in (participants_of, seating_plan, track_statistics_of):
            assert connection.execute(query(OTHER_EVENT)).all() == []
            assert connection.execute(query(EVENT)).all()


def test_member_who_asks_for_an_event_reads_it_without_their_other_events(
    connection: Connection,
) -> None:
    membership = {"organization_id": OTHER_ORGANIZATION, "user_id": MANAGER}
    connection.execute(insert(OrganizationMember).values(membership))
    with acting(connection, PERSONAS["manager"]):
        for query in (participants_of, seating_plan, track_statistics_of):
            plan = plan_of(connection, query(EVENT), run=True)
            assert plan.root["Actual Rows"] > 0
            arrays = [each for each in plan.nodes if each["Node Type"] == "ProjectSet"]
            assert arrays
            assert {each["Actual Loops"] for each in arrays} == {0}


_OF_ONE_ROW = (
    "select * from {table} where id = '{key}'",
    "update {table} set id = id where id = '{key}' returning *",
    "delete from {table} where id = '{key}'",
    "select * from {table} where event_id = '{event}'",
)
_WRITTEN = (
    "insert into participants (event_id, first_name) values ('{event}', 'A') returning *",
    """
    insert into tracks (event_id, name) values ('{event}', 'New')
    on conflict (event_id, name) do update set name = excluded.name returning id
    """,
)


@pytest.mark.parametrize("table", TABLES)
def test_statement_on_rows_of_one_event_is_run_without_the_other_events_of_the_caller(
    connection: Connection, table: type[Participant]
) -> None:
    membership = {"organization_id": OTHER_ORGANIZATION, "user_id": MANAGER}
    connection.execute(insert(OrganizationMember).values(membership))
    connection.execute(text("set enable_seqscan = off"))
    key = connection.scalar(select(table.id).where(table.event_id == EVENT).limit(1))
    name = table.__tablename__
    connection.execute(text(f"grant update (id) on {name} to authenticated"))
    with acting(connection, PERSONAS["manager"]):
        for statement in (*_OF_ONE_ROW, *(_WRITTEN if table is Participant else ())):
            sql = statement.format(table=name, key=key, event=EVENT)
            savepoint = connection.begin_nested()
            plan = plan_of(connection, sql, run=True)
            savepoint.rollback()
            arrays = [each for each in plan.nodes if each["Node Type"] == "ProjectSet"]
            assert arrays, sql
            assert {each["Actual Loops"] for each in arrays} == {0}, sql


def test_setting_tells_nothing_of_rows_of_others(connection: Connection) -> None:
    found = {
        table: connection.scalar(select(table.id).where(table.event_id == OTHER_EVENT).limit(1))
        for table in TABLES
    }
    asked = select(func.current_setting(SETTING, true()))
    with acting(connection, PERSONAS["manager"]):
        for table, key in found.items():
            assert connection.execute(select(table).where(table.id == key)).all() == []
            assert str(OTHER_EVENT) not in (connection.scalar(asked) or "")
            assert connection.execute(select(table).where(table.event_id == EVENT)).all()
            assert connection.scalar(asked) == f"{{{EVENT}}}"


def test_asking_for_no_event_reads_the_same(sessions: SessionFactory) -> None:
    with sessions.as_user(MANAGER) as session:
        every = session.scalars(select(Participant.id)).all()
        assert session.scalars(select(Participant.id).where(asking_for(Event.id))).all() == every


@pytest.mark.parametrize("key", [Participant.event, "events.id"])
def test_what_is_no_column_cannot_be_asked_for(key: Any) -> None:  # noqa: ANN401 - wrong on purpose
    with pytest.raises(TypeError, match="takes a column as an attribute"):
        asking_for(key, EVENT)


def test_column_without_a_name_for_a_setting_cannot_be_asked_for() -> None:
    column = Column("id", Integer)
    Table("Team's", MetaData(), column)
    with pytest.raises(InputError, match=r"public\.Team's\.id can't be asked for"):
        setting_of(column)
