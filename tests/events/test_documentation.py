"""The examples on the page about events run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from tests.events.data import DANA, DANA_SEAT, EVENT, insert_events
from tests.support.blocks import blocks_of, run_blocks
from tests.support.organizations import GUEST, MANAGER, insert_organizations
from townhall import Participant, TableAssignment

if TYPE_CHECKING:
    from sqlalchemy import Engine

EXAMPLES = blocks_of("docs/events.md", "python")


@pytest.mark.thorough
def test_examples_of_the_page_run(
    townhall_engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    with townhall_engine.begin() as connection:
        insert_organizations(connection)
        insert_events(connection)
    run_blocks(
        EXAMPLES,
        engine=townhall_engine,
        event_id=EVENT,
        guest_id=GUEST,
        manager_id=MANAGER,
        participant_id=DANA,
    )
    assert capsys.readouterr().out.splitlines() == [
        "3 7 דנה",
        "Startups 1 100.0",
        "Design 0 0.0",
    ]
    with townhall_engine.connect() as connection:
        opted_in = select(Participant.networking_opt_in).where(Participant.id == DANA)
        assert connection.scalar(opted_in) is True
        place = select(TableAssignment.seat_number).where(TableAssignment.id == DANA_SEAT)
        assert connection.scalar(place) == 7
