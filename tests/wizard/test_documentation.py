"""The examples on the page about the wizard run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from tests.support.blocks import blocks_of, run_blocks
from tests.wizard.data import OWNER, insert_wizard
from townhall import WizardSession, WizardStatus

if TYPE_CHECKING:
    import pytest
    from sqlalchemy import Engine

EXAMPLES = blocks_of("docs/wizard.md", "python")


def test_examples_of_the_page_run(
    townhall_engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    with townhall_engine.begin() as connection:
        insert_wizard(connection)
    run_blocks(EXAMPLES, engine=townhall_engine, user_id=OWNER)
    state = {"name": "Gala", "venue": {"city": "Haifa"}, "agreed": True}
    assert capsys.readouterr().out == f"completed {state}\n"
    with townhall_engine.connect() as connection:
        completed = select(WizardSession.state, WizardSession.stage).where(
            WizardSession.status == WizardStatus.COMPLETED
        )
        assert connection.execute(completed).all() == [(state, 2)]
