"""The examples on the page about diagrams and access matrices run and print what it shows."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from tests.pictures.test_command import TICKETING
from tests.support.blocks import blocks_of, run_blocks
from tests.support.commands import printed_by
from townhall import metadata


@pytest.mark.thorough
def test_commands_of_the_page_print_what_it_shows(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    shells = [block.text for block in blocks_of("docs/pictures.md", "shell")]
    commands = [shlex.split(line)[1:] for text in shells for line in text.splitlines()]
    printed = printed_by(commands, tmp_path, {**os.environ, "ALEMBIC_CONFIG": str(TICKETING)})
    shown = [block.text for block in blocks_of("docs/pictures.md", "text")]
    assert [text for text in printed if text] == shown
    written = {path.name: path.read_text(encoding="utf-8") for path in docs.iterdir()}
    assert written.keys() == {"tables.svg", "tables.md", "access.svg"}
    assert "tickets" in written["tables.svg"]
    assert "members of the event" in written["access.svg"]


def test_python_of_the_page_runs() -> None:
    picture = run_blocks(blocks_of("docs/pictures.md", "python"), metadata=metadata)["picture"]
    assert str(picture).startswith("<svg ")
