"""Statements on seats, track statistics and consent to networking."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Select, Uuid, cast, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import contains_eager
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

from townhall.domains.events.models import AssignedBy, Participant, TableAssignment, TrackStatistics


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
    statement = insert(TableAssignment).values(
        event_id=event_id, participant_id=participant_id, **place
    )
    return (
        statement.on_conflict_do_update(
            index_elements=["event_id", "participant_id"],
            set_={name: statement.excluded[name] for name in (*place, "assigned_at")},
        )
        .returning(TableAssignment)
        .execution_options(populate_existing=True)
    )


def exchange_seats(
    event_id: UUID, participant_id: UUID, other_id: UUID
) -> ReturningUpdate[TableAssignment]:
    """Exchange the seats of two participants; returns both :class:`TableAssignment`.

    Notes stay with their participant. Nothing changes where one of the two has no seat.

    Args:
        event_id: The event.
        participant_id: A participant of that event.
        other_id: Another one.
    """
    pair = (TableAssignment.event_id == event_id) & TableAssignment.participant_id.in_(
        (participant_id, other_id)
    )
    place = ("table_number", "seat_number", "is_vip_table")
    # The lock waits for a concurrent exchange, and gives the places as that has left them. Counting
    # them has both locked before the first one changes.
    locked = (
        select(TableAssignment.participant_id, *(getattr(TableAssignment, each) for each in place))
        .where(pair)
        .order_by(TableAssignment.participant_id)
        .with_for_update()
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


def seating_plan(event_id: UUID) -> Select[TableAssignment]:
    """Select the seats of an event by table, each with its ``participant`` loaded.

    A guest gets their own seat only.

    Args:
        event_id: The event.
    """
    return (
        select(TableAssignment)
        .join(TableAssignment.participant)
        .where(TableAssignment.event_id == event_id)
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
        .where(TrackStatistics.event_id == event_id)
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
