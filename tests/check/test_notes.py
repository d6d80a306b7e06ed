"""What the check tells beside differences."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.applications import SmallApplication
from townhall.testing.databases import Databases

_FOUND = """
entities.append(
    pg.Function(
        name="rank of a person",
        returns="integer",
        body="select 1",
        security="definer",
        settings={"search_path": ""},
        search_path="as found",
    )
)
"""


@pytest.fixture
def application(server: Databases, scratch: str, tmp_path: Path) -> Iterator[SmallApplication]:
    with server.create() as url:
        yield SmallApplication(tmp_path, url, scratch)


def test_function_accepted_as_found_is_a_note_and_no_difference(
    application: SmallApplication,
) -> None:
    application.declare(_FOUND)
    application.revise("found")
    report = application.check()
    (note,) = report.findings
    assert note.object == "function public.rank of a person()"
    assert note.severity == "security"
    assert "SAFE_SEARCH_PATH" not in note.repair
    assert "'search_path': 'pg_catalog, pg_temp'" in note.repair
    assert not note.is_drift
    assert {answer.question: answer.answer for answer in report.answers}["drift"] == "none"
