"""What comes, stays and goes in runs that change what it uses, in the form for tables in use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from alembic import command

from tests.autogenerate import test_changed_types as types
from tests.autogenerate import test_changed_views as views
from tests.autogenerate import test_new_dependants as functions
from tests.autogenerate.project import Project, revise_there_and_back
from townhall.testing.databases import Databases

pytestmark = [
    pytest.mark.exhaustive,  # each generates three revisions and runs each of them several times
    pytest.mark.filterwarnings("ignore:Did not recognize type"),
]


def cases() -> Iterable[tuple[str, str, str]]:
    """Yield what is changed, how, and what uses it: what has no part of a table has one form."""
    for use, each in functions.uses().items():
        if each.parts:
            yield from (("functions", change, use) for change in functions.CHANGES)
    for use, each in types.uses("").items():
        if each.parts:
            yield from (("types", change, use) for change in types.CHANGES)
    for use, each in views.uses().items():
        if each.parts:
            yield from (("views", change, use) for change in views.CHANGES)


def source(kind: str, change: str, use: str, *, is_changed: bool) -> tuple[str, str]:
    """Return the module that declares a state, and its call there."""
    if kind == "functions":
        function = (
            f"{functions.__name__}.CHANGES[{change!r}]"
            if is_changed
            else f"{functions.__name__}.BEFORE"
        )
        return functions.__name__, f"declared({function}, {use!r})"
    if kind == "types":
        name = "new" if is_changed else "old"
        chosen = f"{types.__name__}.CHANGES[{change!r}]"
        return types.__name__, f"declared({chosen}.{name}, {chosen}.value, {use!r})"
    return views.__name__, f"declared({change!r}, {use!r}, is_changed={is_changed})"


def stays(kind: str, use: str) -> bool:
    """Tell whether the use can stay where what it uses is dropped and created again."""
    chosen = types.uses("") if kind == "types" else views.uses()
    return kind == "functions" or not chosen[use].has_column


@pytest.fixture
def project(tmp_path: Path, databases: Databases) -> Iterator[Project]:
    with databases.create() as url:
        yield Project.begun(tmp_path, url)


@pytest.mark.parametrize(("kind", "change", "use"), [*cases()])
def test_part_of_a_table_in_use_comes_stays_and_goes_while_what_it_uses_changes(
    project: Project, kind: str, change: str, use: str
) -> None:
    states = [(True, use), (False, use), (True, "nothing")]
    if not stays(kind, use):
        states = [(True, use), (False, "nothing")]
    project.declare_schema(*source(kind, change, "nothing", is_changed=False))
    project.revise()
    command.upgrade(project.config, "head")
    project.execute("insert into lab.things (id) values (1)")
    for is_changed, used in states:
        project.declare_schema(*source(kind, change, used, is_changed=is_changed))
        revise_there_and_back(project, "live=yes")
