"""Statements on seats, track statistics and consent to networking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    Select,
    Text,
    Uuid,
    and_,
    cast,
    column,
    func,
    literal,
    literal_column,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import contains_eager
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

from townhall.base import asking_for
from townhall.domains.events.models import (
    AssignedBy,
    Event,
    Participant,
    TableAssignment,
    TrackStatistics,
)
from townhall.types import TextEnum


class Place(NamedTuple):
    """A place of a seating plan.

    Attributes:
        table_number: The table, from 1.
        seat_number: The seat at the table, from 1; None for an unnumbered place.
        is_vip_table: Whether it is a table for VIPs.
        notes: Notes on the seat; None keeps those of the participant.
    """

    table_number: int
    seat_number: int | None = None
    is_vip_table: bool = False
    notes: str | None = None


def seat(  # noqa: PLR0913  the columns of a seat
    event_id: UUID,
    participant_id: UUID,
    table_number: int,
    seat_number: int | None = None,
    *,
    is_vip_table: bool = False,
    assigned_by: AssignedBy = AssignedBy.AI,
    notes: str | None = None,
) -> ReturningInsert[TableAssignment]:
    """Seat a participant, or move one who has a seat; returns the :class:`TableAssignment`.

    Args:
        event_id: The event.
        participant_id: A participant of that event.
        table_number: The table, from 1.
        seat_number: The seat at the table, from 1; None for an unnumbered place.
        is_vip_table: Whether it is a table for VIPs.
        assigned_by: What assigned the seat.
        notes: Notes on the seat; None keeps the existing ones.

    Raises:
        sqlalchemy.exc.IntegrityError: When it is run: the seat is taken, the event has no such
            participant, or a number is not positive.
        sqlalchemy.exc.ProgrammingError: When it is run: the caller does not manage the event.
    """
    place = {
        "table_number": table_number,
        "seat_number": seat_number,
        "is_vip_table": is_vip_table,
        "assigned_by": assigned_by,
        **({} if notes is None else {"notes": notes}),
    }
    values = {"event_id": event_id, "participant_id": participant_id, **place}
    columns = TableAssignment.__table__.columns
    row = (literal(value, columns[name].type) for name, value in values.items())
    statement = insert(TableAssignment).from_select(
        list(values), select(*row).where(asking_for(Event.id, event_id))
    )
    return (
        statement.on_conflict_do_update(
            index_elements=["event_id", "participant_id"],
            set_={name: _excluded(name) for name in (*place, "assigned_at")},
        )
        .returning(TableAssignment)
        .execution_options(populate_existing=True)
    )


def assign_seats(
    event_id: UUID,
    plan: Mapping[UUID, Place | tuple[int, int | None]],
    *,
    assigned_by: AssignedBy = AssignedBy.AI,
) -> ReturningInsert[TableAssignment]:
    """Seat or move the participants of a plan, all or none; returns their :class:`TableAssignment`.

    The others keep their seats, so that a seat of one of them can't be in the plan. Plans for one
    event wait for each other: two that take the same seats at the same time would be a deadlock.

    Args:
        event_id: The event.
        plan: The place of each participant: a :class:`Place`, or the numbers of the table and of
            the seat.
        assigned_by: What assigned the seats.

    Raises:
        sqlalchemy.exc.IntegrityError: When it is run: a seat is taken or twice in the plan, the
            event has no such participant, or a number is not positive.
        sqlalchemy.exc.ProgrammingError: When it is run: the caller does not manage the event.
    """
    places = [each if isinstance(each, Place) else Place(*each) for each in plan.values()]
    types = {
        "table_number": Integer,
        "seat_number": Integer,
        "is_vip_table": Boolean,
        "notes": Text,
    }
    arrays = {
        "participant_id": cast(list(plan), ARRAY(Uuid)),
        **{
            name: cast([getattr(place, name) for place in places], ARRAY(type_))
            for name, type_ in types.items()
        },
    }
    planned = (
        func.unnest(*arrays.values())
        .table_valued(
            column("participant_id", Uuid),
            *(column(name, type_) for name, type_ in types.items()),
            name="planned",
        )
        .render_derived()
    )
    # Who may not change the event gets no row of it, and the policies refuse the seats.
    locked = _locked(event_id)
    statement = insert(TableAssignment).from_select(
        ["event_id", *arrays, "assigned_by"],
        select(
            literal(event_id, Uuid),
            *planned.c,
            literal(assigned_by, TextEnum(AssignedBy)),
        )
        .select_from(planned.outerjoin(locked.subquery("locked"), true()))
        .where(asking_for(Event.id, event_id))
        .order_by(planned.c.participant_id),
    )
    changed = ("table_number", "seat_number", "is_vip_table", "assigned_by", "assigned_at")
    return (
        statement.on_conflict_do_update(
            index_elements=["event_id", "participant_id"],
            set_={
                **{name: _excluded(name) for name in changed},
                "notes": func.coalesce(_excluded("notes"), TableAssignment.notes),
            },
        )
        .returning(TableAssignment)
        .execution_options(populate_existing=True)
    )


def swap_seats(
    event_id: UUID, participant_id: UUID, other_id: UUID
) -> ReturningUpdate[TableAssignment]:
    """Exchange the seats of two participants; returns both :class:`TableAssignment`.

    Notes stay with their participant. Nothing changes where one of the two has no seat. It waits
    for a plan or another exchange of the event, as :func:`assign_seats` does.

    Args:
        event_id: The event.
        participant_id: A participant of that event.
        other_id: Another one.
    """
    pair = and_(
        TableAssignment.event_id == event_id,
        TableAssignment.participant_id.in_((participant_id, other_id)),
        asking_for(Event.id, event_id),
    )
    place = ("table_number", "seat_number", "is_vip_table")
    # The locks wait for a concurrent exchange, and give the places as that has left them. Counting
    # them has both locked before the first one changes. That of the event comes first.
    event = _locked(event_id).cte("event")
    locked = (
        select(TableAssignment.participant_id, *(getattr(TableAssignment, each) for each in place))
        .join(event, event.c.id == TableAssignment.event_id)
        .where(pair)
        .order_by(TableAssignment.participant_id)
        .with_for_update(of=TableAssignment)
        .cte("locked")
    )
    places = select(locked, func.count().over().label("places")).cte("places")
    return (
        update(TableAssignment)
        .where(
            pair,
            places.c.places == 2,  # noqa: PLR2004  a pair
            places.c.participant_id != TableAssignment.participant_id,
        )
        .values(assigned_at=func.now(), **{each: places.c[each] for each in place})
        .returning(TableAssignment)
        .execution_options(synchronize_session=False, populate_existing=True)
    )


def _excluded(name: str) -> ColumnElement[Any]:
    """Return a value that the insert proposed; `statement.excluded` copies all columns for it."""
    return literal_column(f"excluded.{name}")


def _locked(event_id: UUID) -> Select[UUID]:
    """Select an event under a lock, for which each statement on several of its seats waits."""
    return select(Event.id).where(Event.id == event_id).with_for_update(key_share=True)


def participants_of(event_id: UUID) -> Select[Participant]:
    """Select the participants of an event by name.

    Args:
        event_id: The event.
    """
    return (
        select(Participant)
        .where(Participant.event_id == event_id, asking_for(Event.id, event_id))
        .order_by(Participant.last_name, Participant.first_name, Participant.id)
    )


def seating_plan(event_id: UUID) -> Select[TableAssignment]:
    """Select the seats of an event by table, each with its ``participant`` loaded.

    A guest gets their own seat only.

    Args:
        event_id: The event.
    """
    return (
        select(TableAssignment)
        .join(TableAssignment.participant)
        .where(TableAssignment.event_id == event_id, asking_for(Event.id, event_id))
        .order_by(
            TableAssignment.table_number,
            TableAssignment.seat_number,  # unnumbered places come last
            Participant.last_name,
            Participant.first_name,
            Participant.id,
        )
        .options(contains_eager(TableAssignment.participant))
    )


def track_statistics_of(event_id: UUID) -> Select[TrackStatistics]:
    """Select the statistics of an event's active tracks, the largest first.

    Args:
        event_id: The event.
    """
    return (
        select(TrackStatistics)
        .where(TrackStatistics.event_id == event_id, asking_for(Event.id, event_id))
        .order_by(TrackStatistics.participant_count.desc(), TrackStatistics.track_name)
    )


def set_networking_opt_in(participant_id: UUID, opt_in: bool) -> Select[Any]:  # noqa: FBT001  the value itself
    """Set a consent to networking: the caller's own, or that of a guest without an account.

    An object that the session has loaded is not updated until it is refreshed.

    Args:
        participant_id: The participant: the caller, or a guest of an event that the caller manages,
            without an account.
        opt_in: Whether the participant consents.

    Raises:
        sqlalchemy.exc.ProgrammingError: When it is run: the participant is neither.
        sqlalchemy.exc.IntegrityError: When it is run: ``opt_in`` is None.
    """
    return select(
        func.public.set_networking_opt_in(cast(participant_id, Uuid), cast(opt_in, Boolean))
    )
