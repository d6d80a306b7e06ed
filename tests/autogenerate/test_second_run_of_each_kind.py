"""Revisions that add, change and remove entities of each kind run over their own result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from alembic import command

from tests.autogenerate import changes_of_entities
from tests.autogenerate.changes_of_entities import (
    CHANGES,
    PLATFORM,
    PUBLICATION,
    numbered,
)
from tests.autogenerate.project import Project, revise_there_and_back
from townhall import pg
from townhall.testing.databases import Databases


@pytest.fixture
def project(tmp_path: Path, databases: Databases) -> Iterator[Project]:
    with databases.create() as url:
        yield Project.begun(tmp_path, url)


STATES = ("'before'", "'after'", "None")


@pytest.mark.exhaustive  # each generates five revisions and runs each of them several times
@pytest.mark.parametrize("form", ["live=yes", "live=no"], ids=["long", "short"])
@pytest.mark.parametrize("kind", [each.kind for each in pg.ENTITY_CLASSES])
def test_entities_are_added_changed_and_removed_over_their_own_result(
    project: Project, kind: str, form: str
) -> None:
    for statement in (f"create publication {PUBLICATION}", *tables_of_others(kind)):
        project.execute(statement)
    module = changes_of_entities.__name__
    project.declare_schema(module, f"declared({kind!r}, None)")
    project.revise()
    command.upgrade(project.config, "head")
    for state in STATES:
        project.declare_schema(module, f"declared({kind!r}, {state})")
        revise_there_and_back(project, form)
    project.declare_schema(module, "Schema()")
    revise_there_and_back(project, form)


def tables_of_others(kind: str) -> Iterable[str]:
    """Yield what creates the tables of the platform that entities of a kind are on."""
    entities = [
        numbered(each.entity, number)
        for number, each in enumerate(CHANGES)
        if each.entity.kind == kind and each.entity.schema == PLATFORM
    ]
    if entities:
        yield f"create schema {PLATFORM}"
    for table in {vars(each)["table"] for each in entities}:
        yield f"create table {PLATFORM}.{table} (id integer primary key, size integer)"
