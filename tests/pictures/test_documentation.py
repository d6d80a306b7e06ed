"""The examples on the page about diagrams and access matrices run and print what it shows."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from tests.pictures.test_command import TICKETING
from tests.support.blocks import blocks_of, run_blocks
from townhall import metadata
from townhall.cli import main

if TYPE_CHECKING:
    import pytest


def test_commands_of_the_page_print_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALEMBIC_CONFIG", str(TICKETING))
    (tmp_path / "docs").mkdir()
    for block in blocks_of("docs/pictures.md", "shell", "text"):
        if block.language == "text":
            assert capsys.readouterr().out == block.text
            continue
        for line in block.text.splitlines():
            assert main(shlex.split(line)[1:]) == 0
    written = {path.name: path.read_text(encoding="utf-8") for path in Path("docs").iterdir()}
    assert written.keys() == {"tables.svg", "tables.md", "access.svg"}
    assert "tickets" in written["tables.svg"]
    assert "members of the event" in written["access.svg"]


def test_python_of_the_page_runs() -> None:
    picture = run_blocks(blocks_of("docs/pictures.md", "python"), metadata=metadata)["picture"]
    assert str(picture).startswith("<svg ")
