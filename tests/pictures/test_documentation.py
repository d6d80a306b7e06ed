"""The examples on the page about diagrams and access matrices run and print what it shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from tests.pictures.test_command import TICKETING
from tests.support.documentation import run_examples
from townhall import metadata
from townhall.cli import main

if TYPE_CHECKING:
    import pytest

PAGE = Path(__file__).parents[2] / "docs" / "pictures.md"
BLOCK = re.compile(r"^```(shell|text)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def test_commands_of_the_page_print_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALEMBIC_CONFIG", str(TICKETING))
    (tmp_path / "docs").mkdir()
    for kind, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if kind == "text":
            assert capsys.readouterr().out == text
            continue
        for line in text.splitlines():
            assert main(shlex.split(line)[1:]) == 0
    written = {path.name: path.read_text(encoding="utf-8") for path in Path("docs").iterdir()}
    assert written.keys() == {"tables.svg", "tables.md", "access.svg"}
    assert "tickets" in written["tables.svg"]
    assert "members of the event" in written["access.svg"]


def test_python_of_the_page_runs() -> None:
    picture = run_examples(PAGE, metadata=metadata)["picture"]
    assert str(picture).startswith("<svg ")
