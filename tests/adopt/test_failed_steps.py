"""What is left of a step that fails: nothing that is not valid, and what was there before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from alembic.util import CommandError
from sqlalchemy import Connection, NullPool, create_engine, text

from tests.adopt.products import psql
from tests.support.dump import dump
from townhall.adopt import compare
from townhall.adopt.plan import Choices, Plan
from townhall.adopt.running import run_step, script_of
from townhall.check.snapshot import read
from townhall.migrate.origins import Origins
from townhall.migrate.savepoints import run_script

if TYPE_CHECKING:
    from pathlib import Path

    from townhall.adopt.step import Step
    from townhall.check.snapshot import Snapshot

ORIGINS = Origins("private", ())
TABLES = """
    create table shelves (id integer constraint shelf_key primary key);
    create table books (id integer, shelf integer);
"""
ROWS = "insert into books values (-1, null), (-1, 7)"
"""Rows that break each of the constraints below."""

KINDS = {
    "check": ("alter table books add constraint known check (id > 0)", ""),
    "check of the same name": (
        "alter table books add constraint known check (id > 0)",
        "alter table books add constraint known check (id > -9)",
    ),
    "check about the same": (
        "alter table books add constraint known check (shelf in (1, 2))",
        "alter table books add constraint theirs check (shelf in (1, 2, 7))",
    ),
    "foreign key": (
        "alter table books add constraint fk foreign key (shelf) references shelves",
        "",
    ),
    "foreign key about the same": (
        "alter table books add constraint fk foreign key (shelf) references shelves",
        """
        alter table books
            add constraint theirs foreign key (shelf) references shelves on delete cascade not valid
        """,
    ),
    "key": ("alter table books add constraint uq unique (id)", ""),
    "other key": (
        "alter table books add constraint uq unique (id)",
        "alter table books add constraint uq unique (id, shelf)",
    ),
    "unique index": ("create unique index ix on books (id)", ""),
    "other index": ("create unique index ix on books (id)", "create index ix on books (id)"),
    "not null": ("alter table books alter shelf set not null", ""),
}
"""What is declared in the place of what is there, by the kind of the step that fails."""


@pytest.fixture
def connection(empty_database: str) -> Iterator[Connection]:
    with create_engine(empty_database, poolclass=NullPool).connect() as connection:
        yield connection


def steps_to(connection: Connection, declared: str, actual: str) -> tuple[Snapshot, list[Step]]:
    """Make what is there, with rows that break what is declared.

    Returns:
        What is declared, and the steps to it.
    """
    with connection.begin():
        run_script(connection, [TABLES, declared])
        wanted = read(connection, ["public"], [])
        connection.rollback()
    with connection.begin():
        run_script(connection, [TABLES, actual, *ORIGINS.install()])
        run_script(connection, [ORIGINS.remember([("public", ["books", "shelves"])])])
        # Written after the look; keys are not checked, as those of another's that is not valid.
        run_script(connection, ["set local session_replication_role = replica", ROWS])
        existing = read(connection, ["public"], [])
        return wanted, Plan(connection, Choices({}, {}, ()), existing, wanted).steps()


def run(connection: Connection, steps: list[Step]) -> None:
    for step in steps:
        run_step(connection, ORIGINS, step, "5s")


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(each, marks=[pytest.mark.thorough] if each != "foreign key" else [])
        for each in KINDS
    ],
)
def test_step_that_rows_break_leaves_what_was_there_and_nothing_else(
    kind: str, empty_database: str, connection: Connection
) -> None:
    _, steps = steps_to(connection, *KINDS[kind])
    before = dump(empty_database)
    with pytest.raises(CommandError, match="could not"):
        run(connection, steps)
    assert dump(empty_database) == before


@pytest.mark.thorough
@pytest.mark.parametrize("kind", KINDS)
def test_step_of_a_script_that_rows_break_leaves_what_was_there_and_nothing_else(
    kind: str, empty_database: str, connection: Connection, tmp_path: Path
) -> None:
    _, steps = steps_to(connection, *KINDS[kind])
    before = dump(empty_database)
    connection.close()
    file = tmp_path / "steps.sql"
    installed = [f"{each};" for each in ORIGINS.install()]
    lines = ["\\set ON_ERROR_STOP on", *installed, *script_of(ORIGINS, steps, "5s")]
    file.write_text("\n".join(lines))
    done = psql(empty_database, file)
    assert done.returncode != 0
    assert "could not" in done.stderr
    assert dump(empty_database) == before


@pytest.mark.thorough
@pytest.mark.parametrize("kind", KINDS)
def test_step_that_failed_is_done_once_the_rows_are_correct(
    kind: str, connection: Connection
) -> None:
    wanted, steps = steps_to(connection, *KINDS[kind])
    with pytest.raises(CommandError):
        run(connection, steps)
    with connection.begin():
        connection.execute(text("truncate books"))
    run(connection, steps)
    with connection.begin():
        assert compare(wanted, read(connection, ["public"], [])) == []
