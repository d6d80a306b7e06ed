"""The application of ``docs/examples/notes``, which uses the engine without townhall's tables."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, inspect, text

from tests.examples.test_application import Application, copied, installed

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "notes"
TABLES = {"accounts", "workspaces", "memberships", "notes"}


@pytest.fixture
def notes(tmp_path: Path) -> Application:
    """Return a copy of the application that runs in this environment."""
    return copied(tmp_path, Path(sys.executable), EXAMPLE)


def relations(database: str) -> set[str]:
    return set(inspect(create_engine(database, poolclass=NullPool)).get_table_names())


def schemas(database: str) -> set[str]:
    return set(inspect(create_engine(database, poolclass=NullPool)).get_schema_names())


def execute(database: str, statement: str) -> None:
    with create_engine(database, poolclass=NullPool).begin() as connection:
        connection.execute(text(statement))


def operations_of(revision: str) -> list[str]:
    # As a tree, since the line length of the formatter depends on the folder.
    functions = (each for each in ast.parse(revision).body if isinstance(each, ast.FunctionDef))
    return [ast.unparse(function) for function in functions]


def run_all_commands(notes: Application, database: str, server: str) -> None:
    notes.alembic(database, "upgrade", "head")
    assert relations(database) == {*TABLES, "alembic_version"}
    assert schemas(database) == {"information_schema", "private", "public"}
    assert "No new upgrade operations detected" in notes.alembic(database, "check")
    assert notes.run(database, "write_notes") == (EXAMPLE / "output.txt").read_text()
    assert "(head)" in notes.run(database, "townhall", "status")

    checking = ("townhall", "check", database, "--config", "alembic.ini", "--scratch", server)
    as_user = ("--role", "notes_user")
    assert "drift         none\n" in notes.run(database, *checking, *as_user)
    execute(database, "alter table notes disable row level security")
    assert "notes" in notes.alembic(database, "check", status=255)
    assert "row level security" in notes.run(database, *checking, *as_user, status=1)
    execute(database, "alter table notes enable row level security")

    notes.alembic(database, "downgrade", "base")
    assert relations(database) == {"alembic_version"}


@pytest.mark.exhaustive
def test_application_without_the_product_runs_every_command(
    notes: Application, empty_database: str, townhall_server: str
) -> None:
    run_all_commands(notes, empty_database, townhall_server)


@pytest.mark.exhaustive
def test_application_without_the_product_runs_from_the_wheel(
    tmp_path: Path, empty_database: str, townhall_server: str
) -> None:
    notes = copied(tmp_path, installed(tmp_path), EXAMPLE)
    run_all_commands(notes, empty_database, townhall_server)


@pytest.mark.thorough
def test_committed_revision_is_what_autogenerate_writes(
    notes: Application, empty_database: str
) -> None:
    versions = notes.folder / "migrations" / "versions"
    (generated,) = versions.glob("notes_0002_*.py")
    generated.unlink()
    notes.alembic(empty_database, "upgrade", "head")
    words = ("--autogenerate", "--message", "Notes in workspaces", "--rev-id", "notes_0002")
    notes.alembic(empty_database, "revision", *words)
    committed = (EXAMPLE / "migrations" / "versions" / generated.name).read_text()
    assert operations_of(generated.read_text()) == operations_of(committed)
