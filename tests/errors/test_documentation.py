"""The examples of the guide run, and its table has every kind."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from tests.support.blocks import blocks_of, run_blocks
from townhall.errors import Kind

if TYPE_CHECKING:
    from townhall.session import SessionFactory

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
STATUS = re.compile(r"^\| `(\w+)` \|.*\| (\d+) \|$", re.MULTILINE)


def test_examples_of_the_guide_run(townhall_sessions: SessionFactory) -> None:
    run_blocks(blocks_of("docs/errors.md", "python"), sessions=townhall_sessions, user_id=uuid4())


def test_guide_has_the_status_of_each_kind() -> None:
    documented = dict(STATUS.findall(PAGE.read_text(encoding="utf-8")))
    assert documented == {each.value: str(each.http_status) for each in Kind}
