"""New values of an enum are written in a revision before the one that uses them, in one run."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command

from tests.autogenerate.project import Project, run_twice, without_values
from tests.autogenerate.uses_of_an_enum import OPTIONS, UNDECLARABLE, uses
from tests.support.dump import dump


@pytest.fixture
def project(tmp_path: Path, empty_database: str) -> Project:
    return Project.begun(tmp_path, empty_database)


ONE = (("a", "b"), ("x", "y"))
MORE_OF_EACH = (("first", "a", "middle", "b", "it's: %new"), ("x", "y", "z"))


@pytest.mark.parametrize(
    "argument", [pytest.param("live=yes", marks=pytest.mark.thorough), "live=no"]
)
def test_every_use_of_a_new_value_is_written_in_the_run_that_adds_it(
    project: Project, argument: str
) -> None:
    project.declare(uses(*ONE, more=False), OPTIONS)
    project.revise()
    command.upgrade(project.config, "head")
    project.execute(";".join(UNDECLARABLE))
    before = without_values(dump(project.database))
    project.declare(uses(*MORE_OF_EACH, more=True), OPTIONS)
    values, *revisions = project.revise(argument)
    assert values.count("add value if not exists") == 4
    assert "Generate another revision" not in "".join([values, *revisions])
    run_twice(project, 1 + len(revisions))
    command.check(project.config)
    command.downgrade(project.config, f"-{1 + len(revisions)}")
    assert without_values(dump(project.database)) == before


HOOK = """
from alembic.operations.ops import ExecuteSQLOp

def fill(context, revision, directives):
    directives[0].upgrade_ops.ops.append(
        ExecuteSQLOp('update public."Things" set mood = $$new$$')
    )
"""


@pytest.mark.thorough
def test_value_that_the_sql_of_a_hook_uses_is_committed_before(project: Project) -> None:
    table = 'Table("Things", metadata, Column("mood", Enum({}, name="mood")))\n'
    project.declare(table.format('"a"'))
    project.revise()
    command.upgrade(project.config, "head")
    project.execute("insert into \"Things\" values ('a')")
    project.declare(HOOK + table.format('"a", "new"'), ", process_revision_directives=fill")
    values, data = project.revise()
    assert "add value" in values
    assert "update public" in data
    command.upgrade(project.config, "head")
    assert project.values('select mood::text from "Things"') == [("new",)]
