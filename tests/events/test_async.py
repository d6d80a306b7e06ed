"""The same questions, asked by an async session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from tests.events.stage import DANA, DANAS_SEAT, GALA, STARTUPS, set_up_events
from tests.support.stage import GUEST, MANAGER, set_up_organizations
from townhall import Participant
from townhall.domains.events import seat, seating_plan, set_networking_opt_in, track_statistics_of
from townhall.session import AsyncSessionFactory

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine


async def test_events_are_asked_under_asyncio(
    townhall_engine: Engine, townhall_async_engine: AsyncEngine
) -> None:
    with townhall_engine.begin() as connection:
        set_up_organizations(connection)
        set_up_events(connection)
    sessions = AsyncSessionFactory(townhall_async_engine)
    async with sessions.as_user(MANAGER) as session:
        moved = await session.scalar(seat(GALA, DANA, 4, 2))
        assert moved is not None
        assert (moved.id, moved.table_number, moved.seat_number) == (DANAS_SEAT, 4, 2)
        plan = (await session.scalars(seating_plan(GALA))).all()
        assert [assignment.participant.id for assignment in plan] == [DANA]
        statistics = (await session.scalars(track_statistics_of(GALA))).all()
        assert [each.track_id for each in statistics] == [STARTUPS, statistics[1].track_id]
    async with sessions.as_user(GUEST) as session:
        await session.execute(set_networking_opt_in(DANA, opt_in=True))
        assert await session.scalar(select(Participant.networking_opt_in)) is True
