"""The linter squawk finds nothing in what generated revisions do to tables in use."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine, event

from tests.autogenerate.project import Project

pytestmark = pytest.mark.thorough  # it generates revisions and runs them

LINTER = Path(sys.executable).with_name("squawk")
PAGE = Path(__file__).parents[2] / "docs" / "autogenerate.md"

EXCEPTED = {
    "prefer-robust-stmts",
    "require-lock-timeout",
    "require-statement-timeout",
    "ban-drop-column",
    "ban-drop-constraint",
    "ban-drop-default",
    "ban-drop-not-null",
    "ban-drop-sequence",
    "ban-drop-table",
}
"""The rules that are not for generated revisions; the page has the reason for each."""

OF_SCRIPTS = {"require-concurrent-index-creation", "require-concurrent-index-deletion"}
"""Those that are not for scripts, which an editor may send in one transaction."""

OWNERS = """
def key():
    return Column("id", BigInteger, Identity(), primary_key=True)

Table("owners", metadata, key())
"""
OLD = """
Table("items", metadata, key(), Column("owner_id", BigInteger), Column("price", BigInteger),
    Column("name", Text), Column("kind", Enum("a", name="kind")),
    Column("gone", Text, server_default="x", index=True, unique=True),
    Column("was", BigInteger, ForeignKey("owners.id"), nullable=False),
    CheckConstraint("price > 0", name="some"))
Table("left", metadata, key(), Column("item_id", BigInteger, ForeignKey("items.id")))
"""
NEW = """
Table("items", metadata, key(), Column("owner_id", BigInteger, ForeignKey("owners.id")),
    Column("price", BigInteger, nullable=False, comment="In cents."),
    Column("name", Text, server_default="x"), Column("kind", Enum("a", "b", name="kind")),
    Column("was", BigInteger),
    Column("code", UUID, server_default=text("gen_random_uuid()"), nullable=False, unique=True),
    Column("number", BigInteger, Identity(always=True)),
    Column("at", DateTime(timezone=True), server_default=func.now(), nullable=False),
    Index("by_name", "name"),
    Index("by_price", text("abs(price)"), unique=True, postgresql_where=text("price > 1")),
    UniqueConstraint("owner_id", "name", name="named", postgresql_nulls_not_distinct=True),
    CheckConstraint("price > 1", name="more"), comment="Sold.")
Table("tags", metadata, key(), Column("item_id", BigInteger, ForeignKey("items.id"), index=True),
    CheckConstraint("item_id > 0", name="some"))
"""


@pytest.fixture
def project(tmp_path: Path, empty_database: str) -> Project:
    """Return an application with a migrated database and revisions that change its tables."""
    made = Project.begun(tmp_path, empty_database)
    made.declare(OWNERS + OLD)
    made.revise()
    command.upgrade(made.config, "head")
    made.declare(OWNERS + NEW)
    made.revise()
    return made


def test_squawk_finds_nothing_in_generated_revisions(project: Project) -> None:
    first, *_, last = (each.revision for each in project.history())
    script = project.config
    script.output_buffer = StringIO()
    command.upgrade(script, f"{first}:{last}", sql=True)
    command.downgrade(script, f"{last}:{first}", sql=True)
    assert told(script.output_buffer.getvalue(), EXCEPTED | OF_SCRIPTS) == []
    with statements() as run:
        command.upgrade(project.config, "head")
        command.downgrade(project.config, first)
    assert len([each for each in run if "concurrently" in each]) > 5
    # Without the transactions squawk takes a table that was just created for one in use.
    assert [each for each in told(";\n".join(run), EXCEPTED) if "tags" not in each] == []


def test_page_has_each_rule_that_is_excepted() -> None:
    _, _, section = PAGE.read_text().partition("The linter squawk")
    section, _, _ = section.partition("\n## ")
    rules = [row.split("|")[1] for row in section.splitlines() if row.startswith("| `")]
    assert {*re.findall("`(.+?)`", " ".join(rules))} == EXCEPTED | OF_SCRIPTS


@contextmanager
def statements() -> Iterator[list[str]]:
    """Yield a list of what the programs of this process have PostgreSQL change."""
    run: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if re.match(r"\s*(alter|create|drop|comment)\b", statement, re.IGNORECASE):
            run.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield run
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def told(script: str, excepted: set[str]) -> list[str]:
    """Return what squawk tells of a script."""
    options = ("--pg-version", "15", "--reporter", "json", "--exclude", ",".join(sorted(excepted)))
    done = subprocess.run(  # noqa: S603 - the linter beside this interpreter
        [LINTER, *options], input=script, capture_output=True, text=True, check=False
    )
    lines = script.splitlines()
    return [f"{each['rule_name']}: {lines[each['line']]}" for each in json.loads(done.stdout)]
