"""The guide to an existing database, followed word by word."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.pull.pulled import execute, url_of
from tests.support.alembic import alembic
from tests.support.blocks import blocks_of
from townhall.cli import main
from townhall.testing.databases import Databases

COMMANDS = "".join(each.text for each in blocks_of("docs/pulling.md", "shell"))
COMMAND = re.compile(r"^(?:DATABASE_URL=\S+ )?(townhall|alembic) (.*)$", re.MULTILINE)
(ADDITION,) = blocks_of("docs/pulling.md", "python", under="4. The first change")
SCHEMA = "create table people (id bigint generated always as identity primary key, name text)"


@pytest.mark.thorough
def test_guide_runs_as_it_is_written(
    server: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with server.create() as source, server.create() as empty:
        execute(source, SCHEMA)
        for line in COMMAND.finditer(COMMANDS):
            words = [source if word == "$DATABASE_URL" else word for word in shlex.split(line[2])]
            if line[1] == "townhall":
                assert main([*words, "--scratch", url_of(server)]) == 0
                continue
            if words[0] == "revision":
                models = tmp_path / "shop" / "public" / "models.py"
                models.write_text(
                    models.read_text(encoding="utf-8") + ADDITION.text, encoding="utf-8"
                )
            url = empty if "EMPTY_DATABASE_URL" in line[0] else source
            told = alembic(*words, url=url, directory=tmp_path)
            if words[0] == "check":
                assert "No new upgrade operations detected" in told.stdout
