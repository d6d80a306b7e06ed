"""Odd names in revisions that change tables in use, and in the scripts of ``--sql``."""

from __future__ import annotations

import io
from pathlib import Path

import psycopg
import pytest
from alembic import command

from tests.support.applications import SmallApplication
from tests.support.dump import dump
from townhall.testing.databases import Databases

pytestmark = pytest.mark.thorough

NAMES = [
    "tablesample",
    "Order by",
    "it's %s 100% :x",
    'q"uo\\te $$',
    "übergröße ✓",
    "x" * 63,
]
DECLARED = """
from sqlalchemy import *

def declare(names, *, changed):
    for name in names:
        owners = Table(f"{name[:60]} o", metadata, Column(name[::-1], Text, primary_key=True))
        values = ["calm", name] if changed else ["calm"]
        mood = Enum(*values, name=f"{name[:60]} m")
        things = Table(
            name,
            metadata,
            Column("id", Integer, primary_key=True),
            Column(name, Text, nullable=not changed),
            Column("owner", Text),
            Column("mood", mood),
        )
        if changed:
            things.append_column(Column(f"{name[:60]} n", Integer, Identity()))
            Index(f"{name[:60]} i", things.c[name])
            things.append_constraint(UniqueConstraint(name, "id", name=f"{name[:60]} u"))
            things.append_constraint(
                CheckConstraint(things.c[name] != "a:b %c", name=f"{name[:60]} c")
            )
            things.append_constraint(
                ForeignKeyConstraint(["owner"], [owners.c[name[::-1]]], name=f"{name[:60]} f")
            )
"""


@pytest.mark.exhaustive
def test_objects_with_odd_names_are_changed_in_use_and_written_as_a_script(
    tmp_path: Path, empty_database: str, townhall_databases: Databases
) -> None:
    application = SmallApplication(tmp_path, empty_database, empty_database)
    application.declare(f"{DECLARED}\ndeclare({NAMES!r}, changed=False)")
    application.revise("first")
    before = dump(application.url)
    application.declare(f"{DECLARED}\ndeclare({NAMES!r}, changed=True)")
    assert "safety.create_index(" in application.revise("second")
    after = dump(application.url)
    command.downgrade(application.config, "first")
    unchanged = [line for line in before.splitlines() if " AS ENUM" not in line]
    assert {*unchanged} <= {*dump(application.url).splitlines()} | {"    'calm'"}
    command.upgrade(application.config, "head")
    assert dump(application.url) == after
    with townhall_databases.create() as other:
        script = io.StringIO()
        config = application.config
        config.output_buffer = script
        command.upgrade(config, "head", sql=True)
        with psycopg.connect(other.replace("+psycopg", "", 1), autocommit=True) as connection:
            connection.execute(script.getvalue().encode())
        assert dump(other) == after
