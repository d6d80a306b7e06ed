"""The examples of the page on events run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from tests.events.stage import DANA, DANAS_SEAT, GALA, set_up_events
from tests.support.documentation import run_examples
from tests.support.stage import GUEST, MANAGER, set_up_organizations
from townhall import Participant, TableAssignment

if TYPE_CHECKING:
    import pytest
    from sqlalchemy import Engine

PAGE = Path(__file__).parents[2] / "docs" / "events.md"


def test_the_examples_run(townhall_engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    with townhall_engine.begin() as connection:
        set_up_organizations(connection)
        set_up_events(connection)
    run_examples(
        PAGE,
        engine=townhall_engine,
        event_id=GALA,
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
        place = select(TableAssignment.seat_number).where(TableAssignment.id == DANAS_SEAT)
        assert connection.scalar(place) == 7
