"""What SQLAlchemy can declare is created, added, changed, and comes back as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command

from tests.autogenerate.declarations import HEAD, OPTIONS, TYPES
from tests.autogenerate.project import Project, revise_there_and_back
from townhall.testing.databases import Databases


@pytest.fixture
def project(tmp_path: Path, townhall_databases: Databases) -> Iterator[Project]:
    with townhall_databases.create() as url:
        yield Project.begun(tmp_path, url)


def with_columns(name: str, types: list[str]) -> str:
    columns = "".join(f', Column("c{number}", {each})' for number, each in enumerate(types))
    return f'Table("{name}", metadata, Column("id", Integer, primary_key=True){columns})\n'


@pytest.mark.exhaustive
@pytest.mark.parametrize(("new", "former"), TYPES.items(), ids=TYPES)
def test_column_of_each_type_is_created_added_and_changed_both_ways(
    project: Project, new: str, former: str
) -> None:
    changed = [with_columns("changed", [each] if each else []) for each in (former, new)]
    before = with_columns("added", []) + changed[0]
    after = with_columns("added", [new]) + changed[1] + with_columns("new", [new])
    change(project, before, after, "live=no")
    project.declare(HEAD + before)
    revise_there_and_back(project, "live=no")


@pytest.mark.exhaustive
@pytest.mark.parametrize("form", ["live=yes", "live=no"])
@pytest.mark.parametrize(("old", "new"), OPTIONS.values(), ids=OPTIONS)
def test_each_option_and_style_of_declaration_is_written_both_ways(
    project: Project, old: str, new: str, form: str
) -> None:
    change(project, old, new, form)
    project.declare(HEAD + old)
    revise_there_and_back(project, form)


def change(project: Project, old: str, new: str, form: str) -> None:
    project.declare(HEAD + old)
    project.revise()
    command.upgrade(project.config, "head")
    project.declare(HEAD + new)
    revise_there_and_back(project, form)


@pytest.mark.thorough
def test_what_sqlalchemy_names_otherwise_than_postgresql_is_written_both_ways(
    project: Project,
) -> None:
    columns = """
        Column("id", Integer, primary_key=True, nullable=True), Column("single", Float(24)),
        Column("duration", Interval(second_precision=3)),
        Index("by_single", "single", postgresql_concurrently=True)
    """
    _, inherits = OPTIONS["a table that inherits"]
    change(project, "", f'Table("other", metadata, {columns})\n{inherits}', "live=no")
