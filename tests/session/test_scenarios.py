"""Every scenario, sync and async, direct and behind PgBouncer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.session.conftest import async_sessions, sync_sessions
from tests.session.scenarios import SCENARIOS

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import URL

    from tests.session.scenarios import Scenario

every_scenario = pytest.mark.parametrize(
    "scenario", SCENARIOS, ids=[scenario.__name__ for scenario in SCENARIOS]
)


@every_scenario
def test_scenario_in_a_sync_session(scenario: Scenario, member: URL, user: UUID) -> None:
    with sync_sessions(member) as sessions, sessions.as_user(user) as session:
        scenario(session, user)


@every_scenario
async def test_scenario_in_an_async_session(scenario: Scenario, member: URL, user: UUID) -> None:
    async with async_sessions(member) as sessions, sessions.as_user(user) as session:
        await session.run_sync(scenario, user)
