"""What the cells of the version matrix install."""

from __future__ import annotations

import re

import pytest

from tests.matrix import CELLS, OF_THE_TEXT, ROOT, constraints, lowest_versions

PYPROJECT = """
[project]
name = "shop"
dependencies = ["alembic>=1.18.3", "alembic-utils==0.8.8", "sqlalchemy[asyncio]>=2.0.40,<2.2"]

[project.optional-dependencies]
embedded = ["alembic>=1.18"]
test = ["pytest>=8.4", "shop[embedded]"]
"""


def test_lower_bounds_of_dependencies_and_extras_are_pinned() -> None:
    assert list(lowest_versions(PYPROJECT)) == [
        "alembic==1.18.3",
        "alembic-utils==0.8.8",
        "sqlalchemy==2.0.40",
        "pytest==8.4",
    ]


def test_dependency_without_a_lower_bound_is_refused() -> None:
    with pytest.raises(ValueError, match="mako<2 has no lower bound"):
        list(lowest_versions('[project]\nname = "shop"\ndependencies = ["mako<2"]'))


def test_every_dependency_of_this_package_has_a_lower_bound() -> None:
    assert "alembic-utils==0.8.8" in constraints("lowest")


def test_each_set_of_versions_meets_each_postgresql() -> None:
    assert len(CELLS) == 9
    assert "lowest-15" in CELLS


def test_what_cells_leave_out_is_there_and_uses_no_dependency() -> None:
    of_dependency = re.compile(
        r"^(?:import|from) (?:sqlalchemy|alembic|psycopg|pydantic)", re.MULTILINE
    )
    for path in OF_THE_TEXT:
        assert not of_dependency.search((ROOT / path).read_text("utf-8"))
