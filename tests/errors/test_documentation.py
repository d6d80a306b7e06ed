"""The examples of the guide run, and its table has every kind."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import Mock
from uuid import uuid4

from tests.support.blocks import blocks_of, run_blocks
from townhall import Participant
from townhall.errors import Kind, explain

if TYPE_CHECKING:
    from townhall.session import SessionFactory

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
STATUS = re.compile(r"^\| `(\w+)` \|.*\| (\d+) \|$", re.MULTILINE)


def test_examples_of_the_guide_run(townhall_sessions: SessionFactory) -> None:
    run_blocks(blocks_of("docs/errors.md", "python"), sessions=townhall_sessions, user_id=uuid4())


def test_refusal_is_shown_as_the_docstring_says(townhall_sessions: SessionFactory) -> None:
    shown = Mock()
    run_blocks(
        blocks_of("src/townhall/errors/__init__.py"),
        sessions=townhall_sessions,
        user_id=uuid4(),
        participant=Participant(event_id=uuid4(), first_name="Gil"),
        explain=explain,
        show=shown,
    )
    shown.assert_called_once()


def test_guide_has_the_status_of_each_kind() -> None:
    documented = dict(STATUS.findall(PAGE.read_text(encoding="utf-8")))
    assert documented == {each.value: str(each.http_status) for each in Kind}
