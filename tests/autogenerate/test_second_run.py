"""A generated revision runs over its own result, in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from tests.autogenerate.test_types import Named
from townhall import pg
from townhall.pg.alembic_utils import PGView, ReplaceableEntity


def view(name: str, definition: str) -> pg.View:
    return pg.View(schema=SCHEMA, name=name, definition=definition)


def declared(
    entities: Sequence[pg.Entity | ReplaceableEntity],
    a: TypeEngine[int] | None = None,
    **others: TypeEngine[Any],
) -> Schema:
    """Declare the table ``t``, other tables with one column each, and entities."""
    metadata = sa.MetaData()
    key = sa.Column("id", sa.Integer, primary_key=True)
    sa.Table("t", metadata, key, sa.Column("a", a or sa.Integer()), schema=SCHEMA)
    for name, type_ in others.items():
        sa.Table(name, metadata, sa.Column("a", type_), schema=SCHEMA)
    return Schema(metadata, entities)


READS_A_DROPPED_VIEW = (
    [view("seen", "select id, a from lab.t"), view("v", "select id from lab.t")],
    [view("seen", "select id from lab.t"), view("v", "select id from lab.seen")],
)


def test_view_comes_to_read_one_that_is_dropped_and_created_before_it(lab: Lab) -> None:
    old, new = READS_A_DROPPED_VIEW
    revision = lab.there_and_back(declared(old), declared(new))
    assert "pg.unless_found()" in revision.upgrade


@pytest.mark.thorough
def test_new_table_has_a_column_of_a_type_that_is_dropped_and_created_before_it(lab: Lab) -> None:
    before = pg.RangeType(schema=SCHEMA, name="r", subtype="integer")
    after = pg.RangeType(schema=SCHEMA, name="r", subtype="text")
    lab.there_and_back(declared([before]), declared([after], new=Named("r")))


@pytest.mark.thorough
def test_view_comes_to_call_a_function_that_is_dropped_and_created_before_it(lab: Lab) -> None:
    def called(returns: str, definition: str) -> Schema:
        function = pg.Function(
            schema=SCHEMA, name="f", returns=returns, body=f"select null::{returns}"
        )
        return declared([function, view("v", definition)])

    lab.there_and_back(
        called("integer", "select id from lab.t"),
        called("text", "select id from lab.t where lab.f() is null"),
    )


@pytest.mark.thorough
def test_view_of_alembic_utils_comes_to_read_another_one(lab: Lab) -> None:
    def view_of_alembic_utils(name: str, definition: str) -> PGView:
        return PGView(SCHEMA, name, definition)

    old, new = (
        [view_of_alembic_utils(each.name, each.definition) for each in views]
        for views in READS_A_DROPPED_VIEW
    )
    lab.there_and_back(declared(old), declared(new))


@pytest.mark.thorough
def test_script_of_a_revision_runs_over_its_own_result(lab: Lab) -> None:
    old, new = READS_A_DROPPED_VIEW
    lab.migrate(declared(old))
    upgrade = lab.migrate(declared(new)).upgrade
    lab.migrate(declared(old))
    script = lab.script(upgrade)
    for _ in range(2):
        lab.connection.exec_driver_sql(script, execution_options={"no_parameters": True})
        assert lab.differences(declared(new)) == []
