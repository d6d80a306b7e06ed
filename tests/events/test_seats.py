"""Seats: one per guest, one guest per seat, all of one event."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import delete, event, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from tests.events.data import DANA, DANA_SEAT, EVENT, NOAM, OTHER_EVENT, URI
from tests.support.blocked import wait_for_a_lock
from tests.support.organizations import (
    GUEST,
    MANAGER,
    OUTSIDER,
    OWNER,
    PERSONAS,
    STRANGER,
    VIEWER,
)
from townhall import AssignedBy, Participant, TableAssignment
from townhall.domains.events import Place, assign_seats, seat, seating_plan, swap_seats
from townhall.session import SessionFactory
from townhall.testing import acting

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


def _seats(connection: Connection) -> dict[UUID, tuple[int, int | None]]:
    """Return the table and the seat of each participant of the event."""
    rows = connection.execute(
        select(
            TableAssignment.participant_id,
            TableAssignment.table_number,
            TableAssignment.seat_number,
        ).where(TableAssignment.event_id == EVENT)
    )
    return {participant: (table, number) for participant, table, number in rows}


def test_manager_seats_a_guest(sessions: SessionFactory, connection: Connection) -> None:
    with sessions.as_user(MANAGER) as session:
        given = session.scalars(seat(EVENT, URI, 2, 5)).one()
        assert (given.event_id, given.participant_id) == (EVENT, URI)
        assert (given.table_number, given.seat_number) == (2, 5)
        assert (given.is_vip_table, given.assigned_by, given.notes) == (False, AssignedBy.AI, None)
        assert given.assigned_at == given.created_at
    assert _seats(connection) == {DANA: (1, 1), URI: (2, 5)}


def test_manager_moves_a_seated_guest(sessions: SessionFactory, connection: Connection) -> None:
    connection.execute(
        update(TableAssignment).values(
            notes="Wheelchair", assigned_at=text("now() - interval '1h'")
        )
    )
    with sessions.as_user(MANAGER) as session:
        before = session.get_one(TableAssignment, DANA_SEAT)
        moved = session.scalar(
            seat(EVENT, DANA, 3, 2, is_vip_table=True, assigned_by=AssignedBy.MANAGER)
        )
        assert moved is before
        assert (before.table_number, before.seat_number) == (3, 2)
        assert (before.is_vip_table, before.assigned_by) == (True, AssignedBy.MANAGER)
        assert before.notes == "Wheelchair"
        assert before.assigned_at == before.updated_at
    assert _seats(connection) == {DANA: (3, 2)}


def test_given_notes_replace_the_earlier_ones(sessions: SessionFactory) -> None:
    with sessions.as_user(MANAGER) as session:
        session.execute(seat(EVENT, DANA, 1, 1, notes="Near the door"))
        moved = session.scalars(seat(EVENT, DANA, 1, 1, notes="Near the stage")).one()
        assert moved.notes == "Near the stage"


def test_two_guests_swap_seats_in_one_statement(
    sessions: SessionFactory, connection: Connection
) -> None:
    with sessions.as_user(MANAGER) as session:
        session.execute(seat(EVENT, URI, 2, 1, is_vip_table=True, notes="Vegan"))
        moved = session.scalars(swap_seats(EVENT, DANA, URI)).all()
        assert {each.participant_id: each.is_vip_table for each in moved} == {
            DANA: True,
            URI: False,
        }
        assert {each.participant_id: each.notes for each in moved} == {DANA: None, URI: "Vegan"}
    assert _seats(connection) == {DANA: (2, 1), URI: (1, 1)}


@pytest.mark.parametrize("pair", [(DANA, URI), (URI, DANA)], ids=["forth", "back"])
def test_exchange_waits_for_a_concurrent_one_and_takes_the_places_that_it_leaves(
    committed: Engine, pair: tuple[UUID, UUID]
) -> None:
    third = UUID("00000000-0000-4000-8000-000000000e08")
    with committed.begin() as connection:
        connection.execute(insert(Participant).values(id=third, event_id=EVENT, first_name="Tal"))
        connection.execute(seat(EVENT, DANA, 1))
        connection.execute(seat(EVENT, URI, 2))
        connection.execute(seat(EVENT, third, 3))
    sessions = SessionFactory(committed)

    def exchange() -> int:
        with sessions.as_user(OWNER) as session:
            return len(session.scalars(swap_seats(EVENT, third, URI)).all())

    with ThreadPoolExecutor(1) as other:
        with sessions.as_user(MANAGER) as session:
            session.execute(swap_seats(EVENT, *pair))
            second = other.submit(exchange)
            wait_for_a_lock(committed)
        assert second.result(timeout=30) == 2
    with committed.connect() as connection:
        assert _seats(connection) == {DANA: (2, None), URI: (3, None), third: (1, None)}


def test_guest_with_a_seat_does_not_exchange_it_with_one_who_has_none(
    sessions: SessionFactory, connection: Connection
) -> None:
    with sessions.as_user(MANAGER) as session:
        assert session.scalars(swap_seats(EVENT, DANA, URI)).all() == []
        assert session.scalars(swap_seats(EVENT, DANA, DANA)).all() == []
        assert session.scalars(swap_seats(EVENT, DANA, NOAM)).all() == []
    assert _seats(connection) == {DANA: (1, 1)}


@pytest.mark.parametrize("user", [VIEWER, GUEST, OUTSIDER, STRANGER])
def test_users_who_are_no_managers_cannot_swap_seats(
    sessions: SessionFactory, connection: Connection, user: UUID
) -> None:
    connection.execute(seat(EVENT, URI, 2, 1))
    with sessions.as_user(user) as session:
        assert session.scalars(swap_seats(EVENT, DANA, URI)).all() == []
    assert _seats(connection) == {DANA: (1, 1), URI: (2, 1)}


def test_a_statement_shifts_every_seat_of_a_table(connection: Connection) -> None:
    connection.execute(seat(EVENT, URI, 1, 2))
    with acting(connection, PERSONAS["manager"]):
        connection.execute(
            update(TableAssignment)
            .where(TableAssignment.event_id == EVENT)
            .values(seat_number=TableAssignment.seat_number + 1)
        )
        connection.execute(
            update(TableAssignment)
            .where(TableAssignment.event_id == EVENT)
            .values(seat_number=TableAssignment.seat_number - 1)
        )
    assert _seats(connection) == {DANA: (1, 1), URI: (1, 2)}


def test_an_upsert_exchanges_seats(connection: Connection) -> None:
    connection.execute(seat(EVENT, URI, 2, 1))
    plan = text(
        """
        insert into public.table_assignments (event_id, participant_id, table_number, seat_number)
        values (:event, :dana, 2, 1), (:event, :uri, 1, 1)
        on conflict (event_id, participant_id) do update
        set table_number = excluded.table_number, seat_number = excluded.seat_number
        """
    )
    with acting(connection, PERSONAS["manager"]):
        connection.execute(plan, {"event": EVENT, "dana": DANA, "uri": URI})
    assert _seats(connection) == {DANA: (2, 1), URI: (1, 1)}


def test_seats_that_two_guests_have_at_the_end_of_a_statement_are_refused(
    connection: Connection,
) -> None:
    connection.execute(seat(EVENT, URI, 1, 2))
    moved = update(TableAssignment).where(TableAssignment.event_id == EVENT)
    with (
        acting(connection, PERSONAS["manager"]),
        pytest.raises(IntegrityError, match="uq_table_assignments_event_id_table_number_seat"),
        connection.begin_nested(),
    ):
        connection.execute(moved.values(seat_number=1))
    assert _seats(connection) == {DANA: (1, 1), URI: (1, 2)}


def test_conflict_without_a_target_is_refused(connection: Connection) -> None:
    """The documentation says so: a deferrable constraint is no arbiter."""
    statement = insert_or(TableAssignment).values(
        event_id=EVENT, participant_id=URI, table_number=1, seat_number=1
    )
    with pytest.raises(DBAPIError, match="ON CONFLICT does not support deferrable"):
        connection.execute(statement.on_conflict_do_nothing())


def test_taken_seat_is_refused(sessions: SessionFactory, connection: Connection) -> None:
    with (
        sessions.as_user(MANAGER) as session,
        pytest.raises(IntegrityError, match="uq_table_assignments_event_id_table_number_seat"),
        session.begin_nested(),
    ):
        session.execute(seat(EVENT, URI, 1, 1))
    assert _seats(connection) == {DANA: (1, 1)}


def test_several_guests_of_a_table_may_have_no_seat_number(
    sessions: SessionFactory, connection: Connection
) -> None:
    with sessions.as_user(MANAGER) as session:
        session.execute(seat(EVENT, URI, 1))
        session.execute(seat(EVENT, DANA, 1))
    assert _seats(connection) == {DANA: (1, None), URI: (1, None)}


def test_two_events_have_the_same_seat_number_taken(connection: Connection) -> None:
    places = select(TableAssignment.table_number, TableAssignment.seat_number)
    assert connection.execute(places).all() == [(1, 1), (1, 1)]


def test_second_seat_of_a_participant_is_refused(connection: Connection) -> None:
    second = insert(TableAssignment).values(event_id=EVENT, participant_id=DANA, table_number=2)
    with pytest.raises(IntegrityError, match="uq_table_assignments_event_id_participant_id"):
        connection.execute(second)


@pytest.mark.parametrize(("event", "participant"), [(EVENT, NOAM), (OTHER_EVENT, URI)])
def test_participant_of_another_event_is_refused(
    sessions: SessionFactory, event: UUID, participant: UUID
) -> None:
    with (
        sessions.as_service() as session,
        pytest.raises(IntegrityError, match="fk_table_assignments_event_id_participant_id"),
        session.begin_nested(),
    ):
        session.execute(seat(event, participant, 4))


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("table", "number", "constraint"),
    [(0, 1, "table_number_positive"), (-1, 1, "table_number_positive"), (1, 0, "seat_number_pos")],
)
def test_table_and_seat_numbers_below_one_are_refused(
    connection: Connection, table: int, number: int, constraint: str
) -> None:
    with pytest.raises(IntegrityError, match=f"ck_table_assignments_{constraint}"):
        connection.execute(seat(EVENT, URI, table, number))


@pytest.mark.parametrize("user", [VIEWER, GUEST, OUTSIDER, STRANGER])
def test_users_who_are_no_managers_cannot_seat_or_move_guests(
    sessions: SessionFactory, connection: Connection, user: UUID
) -> None:
    for participant in (DANA, URI):
        with (
            sessions.as_user(user) as session,
            pytest.raises(ProgrammingError, match="row-level security"),
            session.begin_nested(),
        ):
            session.execute(seat(EVENT, participant, 7))
    assert _seats(connection) == {DANA: (1, 1)}


def test_deleting_a_participant_deletes_their_seat(connection: Connection) -> None:
    connection.execute(delete(Participant).where(Participant.id == DANA))
    assert _seats(connection) == {}


def test_orm_row_takes_its_event_from_the_participant(sessions: SessionFactory) -> None:
    with sessions.as_user(MANAGER) as session:
        participant = session.get_one(Participant, URI)
        assignment = TableAssignment(participant=participant, table_number=2)
        session.add(assignment)
        session.flush()
        assert assignment.event_id == EVENT


def test_seating_plan_is_ordered_by_table_seat_and_name(sessions: SessionFactory) -> None:
    with sessions.as_user(MANAGER) as session:
        late, early = (
            Participant(event_id=EVENT, first_name=name, last_name="Levi")
            for name in ("Ziv", "Adi")
        )
        session.add_all([late, early])
        session.flush()
        session.execute(seat(EVENT, late.id, 1))
        session.execute(seat(EVENT, early.id, 1))
        session.execute(seat(EVENT, URI, 1, 2))
    with sessions.as_user(VIEWER) as session:
        plan = session.scalars(seating_plan(EVENT)).all()
        names = [assignment.participant.first_name for assignment in plan]
    assert names == ["דנה", "Uri", "Adi", "Ziv"]


def test_each_user_sees_the_seats_that_they_may_read(sessions: SessionFactory) -> None:
    with sessions.as_user(MANAGER) as session:
        session.execute(seat(EVENT, URI, 2))
    expected = {MANAGER: [DANA, URI], GUEST: [DANA], STRANGER: [], OUTSIDER: []}
    for user, participants in expected.items():
        with sessions.as_user(user) as session:
            plan = session.scalars(seating_plan(EVENT)).all()
            assert [assignment.participant.id for assignment in plan] == participants


def test_seating_plan_is_one_query(sessions: SessionFactory, connection: Connection) -> None:
    asked: list[str] = []
    with sessions.as_user(MANAGER) as session:
        for number in range(5):
            participant = Participant(event_id=EVENT, first_name=str(number))
            session.add(TableAssignment(participant=participant, table_number=number + 2))
    with sessions.as_user(MANAGER) as session:
        event.listen(connection, "before_cursor_execute", lambda *args: asked.append(args[2]))
        for assignment in session.scalars(seating_plan(EVENT)):
            assert assignment.participant.event_id == EVENT
    assert sum("table_assignments" in statement for statement in asked) == 1


def test_many_guests_are_seated_in_one_statement(sessions: SessionFactory) -> None:
    """A plain insert of many rows; the constraints are checked for each."""
    with sessions.as_user(MANAGER) as session:
        guests = [Participant(event_id=EVENT) for _ in range(30)]
        session.add_all(guests)
        session.flush()
        rows = [
            {
                "event_id": EVENT,
                "participant_id": guest.id,
                "table_number": 2 + number // 10,
                "seat_number": 1 + number % 10,
            }
            for number, guest in enumerate(guests)
        ]
        session.execute(insert(TableAssignment), rows)
        counted = select(func.count()).where(TableAssignment.table_number > 1)
        assert session.scalar(counted) == 30


def test_plan_is_assigned_in_one_statement(
    sessions: SessionFactory, connection: Connection
) -> None:
    connection.execute(update(TableAssignment).values(notes="Wheelchair"))
    plan: dict[UUID, Any] = {DANA: Place(2, 1, is_vip_table=True), URI: (1, 1)}
    with sessions.as_user(MANAGER) as session:
        loaded = session.get_one(TableAssignment, DANA_SEAT)
        given = session.scalars(assign_seats(EVENT, plan, assigned_by=AssignedBy.AUTO)).all()
        assert {each.participant_id for each in given} == {DANA, URI}
        assert (loaded.table_number, loaded.is_vip_table, loaded.notes) == (2, True, "Wheelchair")
        assert {each.assigned_by for each in given} == {AssignedBy.AUTO}
        assert (
            session.scalars(assign_seats(EVENT, {URI: Place(3, notes="Late")})).one().notes
            == "Late"
        )
        assert session.scalars(assign_seats(EVENT, {})).all() == []
    assert _seats(connection) == {DANA: (2, 1), URI: (3, None)}


def test_plan_can_exchange_the_seats_of_its_guests(
    sessions: SessionFactory, connection: Connection
) -> None:
    with sessions.as_user(MANAGER) as session:
        session.execute(assign_seats(EVENT, {DANA: (1, 1), URI: (1, 2)}))
        session.execute(assign_seats(EVENT, {DANA: (1, 2), URI: (1, 1)}))
    assert _seats(connection) == {DANA: (1, 2), URI: (1, 1)}


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({URI: (1, 1)}, "uq_table_assignments_event_id_table_number_seat_number"),  # Dana's
        ({DANA: (2, 2), URI: (2, 2)}, "uq_table_assignments_event_id_table_number_seat_number"),
        ({DANA: (2, 2), NOAM: (2, 3)}, "fk_table_assignments_event_id_participant_id_participants"),
        ({DANA: (2, 2), URI: (0, 3)}, "table_number_positive"),
        ({DANA: (2, 2), URI: (1, -3)}, "seat_number_positive"),
    ],
)
def test_plan_with_a_conflict_seats_nobody(
    sessions: SessionFactory, connection: Connection, plan: dict[UUID, Any], message: str
) -> None:
    with (
        pytest.raises(IntegrityError, match=message),
        sessions.as_user(MANAGER) as session,
    ):
        session.execute(assign_seats(EVENT, plan))
    assert _seats(connection) == {DANA: (1, 1)}


@pytest.mark.parametrize("user", [VIEWER, GUEST, OUTSIDER, STRANGER])
def test_users_who_are_no_managers_cannot_assign_seats(
    sessions: SessionFactory, connection: Connection, user: UUID
) -> None:
    for plan in ({URI: (5, 5)}, {DANA: (5, 5)}):
        with (
            pytest.raises(ProgrammingError, match="row-level security"),
            sessions.as_user(user) as session,
        ):
            session.execute(assign_seats(EVENT, plan))
    assert _seats(connection) == {DANA: (1, 1)}


@pytest.mark.thorough
def test_plans_for_one_event_wait_for_each_other(committed: Engine) -> None:
    """Otherwise each of two could wait for a seat that the other has taken."""
    factory = SessionFactory(committed)

    def assign() -> None:
        with factory.as_user(OWNER) as session:
            session.execute(assign_seats(EVENT, {DANA: (3, 3)}))

    with ThreadPoolExecutor(1) as other:
        with factory.as_user(MANAGER) as session:
            session.execute(assign_seats(EVENT, {URI: (2, 2)}))
            second = other.submit(assign)
            wait_for_a_lock(committed)
        second.result(timeout=30)
    with committed.connect() as connection:
        assert _seats(connection) == {DANA: (3, 3), URI: (2, 2)}


@pytest.mark.thorough
def test_exchanges_and_a_plan_for_one_event_do_not_deadlock(committed: Engine) -> None:
    guests = sorted([DANA, URI, UUID(int=1), UUID(int=2)])
    with committed.begin() as connection:
        for key in guests[:2]:
            connection.execute(insert(Participant).values(id=key, event_id=EVENT))
        connection.execute(assign_seats(EVENT, {key: (1, n) for n, key in enumerate(guests, 1)}))
    factory = SessionFactory(committed)

    def assign() -> None:
        with factory.as_user(OWNER) as session:
            session.execute(assign_seats(EVENT, {key: (2, n) for n, key in enumerate(guests, 1)}))

    with ThreadPoolExecutor(1) as other:
        with factory.as_user(MANAGER) as session:
            assert len(session.scalars(swap_seats(EVENT, *guests[2:])).all()) == 2
            plan = other.submit(assign)
            wait_for_a_lock(committed)
            assert len(session.scalars(swap_seats(EVENT, *guests[:2])).all()) == 2
        plan.result(timeout=30)
    with committed.connect() as connection:
        assert _seats(connection) == {key: (2, n) for n, key in enumerate(guests, 1)}
