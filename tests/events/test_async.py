"""The queries of events with an async session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, select

from tests.events.data import DANA, DANA_SEAT, EVENT, STARTUPS, URI, insert_events
from tests.support.organizations import GUEST, MANAGER, insert_organizations
from townhall import Participant, TableAssignment
from townhall.domains.events import (
    assign_seats,
    seat,
    seating_plan,
    set_networking_opt_in,
    swap_seats,
    track_statistics_of,
)
from townhall.session import AsyncSessionFactory

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine


@pytest.mark.thorough
async def test_queries_of_events_run_in_an_async_session(
    townhall_engine: Engine, townhall_async_engine: AsyncEngine
) -> None:
    with townhall_engine.begin() as connection:
        insert_organizations(connection)
        insert_events(connection)
    sessions = AsyncSessionFactory(townhall_async_engine)
    async with sessions.as_user(MANAGER) as session:
        moved = await session.scalar(seat(EVENT, DANA, 4, 2))
        assert moved is not None
        assert (moved.id, moved.table_number, moved.seat_number) == (DANA_SEAT, 4, 2)
        await session.execute(assign_seats(EVENT, {DANA: (4, 2), URI: (4, 3)}))
        assert len((await session.scalars(swap_seats(EVENT, DANA, URI))).all()) == 2
        await session.execute(delete(TableAssignment).where(TableAssignment.participant_id == URI))
        plan = (await session.scalars(seating_plan(EVENT))).all()
        assert [assignment.participant.id for assignment in plan] == [DANA]
        statistics = (await session.scalars(track_statistics_of(EVENT))).all()
        assert [each.track_id for each in statistics] == [STARTUPS, statistics[1].track_id]
    async with sessions.as_user(GUEST) as session:
        await session.execute(set_networking_opt_in(DANA, opt_in=True))
        assert await session.scalar(select(Participant.networking_opt_in)) is True
