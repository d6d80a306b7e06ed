"""The guide to adoption, followed word by word."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text

from tests.adopt.products import Product, load
from tests.support.alembic import alembic
from tests.support.blocks import blocks_of
from tests.support.walk import matches
from townhall.cli import main

COMMANDS = "".join(each.text for each in blocks_of("docs/adopting.md", "shell"))
COMMAND = re.compile(r"^(townhall|alembic) (.*)$", re.MULTILINE)
ANSWERS = blocks_of("docs/adopting.md", "toml", under="2. Decide")
(LOOK,) = blocks_of("docs/adopting.md", "text", under="What the look tells")

EXPECTED = {
    "townhall adopt --url URL": (1, "3 need a decision"),
    "townhall adopt --url URL --write-decisions decisions.toml": (1, "3 need a decision"),
    "townhall adopt --url URL --decisions decisions.toml --sql": (0, "\\set ON_ERROR_STOP on"),
    "townhall adopt --url URL --decisions decisions.toml --apply": (0, "kept: 2 functions"),
    "townhall check URL": (1, "kept 2 functions"),
}
"""The exit status and a part of the output of each command; the check is about the login role."""


@pytest.mark.exhaustive
def test_guide_runs_as_it_is_written(
    owned_database: str,
    townhall_server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    load(owned_database, Product.STARTER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    answers = "".join(each.text for each in ANSWERS)
    run: list[str] = []
    for match in COMMAND.finditer(COMMANDS):
        if match[1] == "alembic":
            alembic(*shlex.split(match[2]), url=owned_database)
            continue
        words, _, file = match[2].replace('"$DATABASE_URL"', "URL").partition(" > ")
        arguments = [owned_database if word == "URL" else word for word in shlex.split(words)]
        status = main([*arguments, "--scratch", townhall_server])
        printed = capsys.readouterr().out
        command = f"townhall {words}"
        if not run:
            assert matches(LOOK.text, printed), printed
        run.append(command)
        expected, part = EXPECTED[command]
        assert (status, part in " ".join(printed.split())) == (expected, True), printed
        if file:
            Path(file).write_text(printed)
        if "--write-decisions" in command:
            written = Path("decisions.toml")
            asked = tomllib.loads(written.read_text())["objects"]
            assert asked.keys() == tomllib.loads(answers)["objects"].keys()
            written.write_text(answers)
    assert run == [*EXPECTED]
    with create_engine(owned_database, poolclass=NullPool).connect() as connection:
        names = connection.scalars(text("select full_name from profiles order by 1"))
        assert names.all() == ["Ada", "Ben"]
        policies = connection.scalars(text("select policyname from pg_policies"))
        assert set(policies) == {
            re.sub(r'^policy public.profiles "(.*)"$', r"\1", each)
            for each in tomllib.loads(answers)["objects"]
        }
