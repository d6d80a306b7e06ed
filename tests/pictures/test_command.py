"""The commands ``townhall diagram`` and ``townhall matrix``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.commands import printed_by
from townhall.cli import main

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
NOTES = str(EXAMPLES / "notes" / "alembic.ini")
TICKETING = EXAMPLES / "application" / "alembic.ini"


@pytest.fixture(autouse=True)
def without_a_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let no command find a database, or the configuration of this repository."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    monkeypatch.chdir(tmp_path)


def test_diagram_of_an_application(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagram", "notes", "--config", NOTES]) == 0
    told = capsys.readouterr().out
    assert told.startswith("notes\n")
    assert "→ workspaces" in told
    assert "memberships" not in told


def test_matrix_of_an_application(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["matrix", "--config", NOTES]) == 0
    told = capsys.readouterr().out
    assert "  notes_user     read                          members of the workspace\n" in told


@pytest.mark.thorough
def test_own_leaves_out_what_the_product_and_the_platform_have(tmp_path: Path) -> None:
    names = ("diagram", "--columns", "names", "--config", str(TICKETING))
    rules = ("matrix", "--config", str(TICKETING))
    commands = (names, (*names, "--own"), rules, (*rules, "--own"))
    tables, own_tables, access, own_access = (
        {line.split(" ")[0] for line in printed.splitlines() if line and line[0] != " "}
        for printed in printed_by(commands, tmp_path, os.environ)
    )
    assert {"events", "tickets"} <= tables & access
    assert own_tables == {"tickets", "event_sponsors"}
    assert own_access == {*own_tables, "ticket_sales"}


def test_product_is_shown_where_there_is_no_configuration(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["matrix", "events"]) == 0
    assert "managers of the organization" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "start"), [("all.svg", "<svg "), ("all.md", "```mermaid"), ("all.txt", "accounts\n")]
)
def test_form_follows_the_suffix_of_the_file(tmp_path: Path, file: str, start: str) -> None:
    assert main(["diagram", "--config", NOTES, "--output", str(tmp_path / file)]) == 0
    assert (tmp_path / file).read_text(encoding="utf-8").startswith(start)


def test_given_form_precedes_the_suffix(tmp_path: Path) -> None:
    file = tmp_path / "matrix.txt"
    assert main(["matrix", "--config", NOTES, "--format", "markdown", "--output", str(file)]) == 0
    assert file.read_text(encoding="utf-8").startswith("| table |")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing"], "nothing is not declared"),
        (["--config", "none.ini"], "there is no none.ini"),
        (["--output", "no/folder.svg"], "can't be read or written"),
        (["--output", "picture.png"], "picture.png can't be written as .png: name a file"),
    ],
)
@pytest.mark.parametrize("command", ["diagram", "matrix"])
def test_wrong_argument_is_one_sentence(
    command: str, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, *words]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1


def test_env_py_that_is_not_townhalls_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "env.py").write_text("", encoding="utf-8")
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/migrations\n")
    assert main(["matrix"]) == 2
    assert "does not call townhall.migrate.run()" in capsys.readouterr().err
