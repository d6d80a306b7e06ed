"""A generated revision runs over its own result, in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import produce_migrations
from alembic.operations.ops import ExecuteSQLOp
from sqlalchemy.types import TypeEngine

from tests.autogenerate.lab import SCHEMA, Lab, Schema, code
from tests.autogenerate.test_types import Named
from townhall import pg
from townhall.migrate.trial.hook import finish_and_try
from townhall.pg.alembic_utils import PGView, ReplaceableEntity
from townhall.roles import SUPABASE
from townhall.testing.databases import Databases


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


@pytest.mark.exhaustive
def test_views_are_left_out_in_a_second_run_on_each_version(server: Databases) -> None:
    server.create_owner(SUPABASE)
    old, new = READS_A_DROPPED_VIEW
    with server.create() as url:
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.execute(sa.text(f"create schema {SCHEMA}"))
            Lab(connection).there_and_back(declared(old), declared(new))


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


@pytest.mark.thorough
def test_step_that_leaves_no_trace_and_fails_in_a_second_run_is_told(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    schema = declared([])
    lab.migrate(schema)
    schema.metadata.tables["lab.t"].comment = "changed"
    context = lab.context(schema)
    script = produce_migrations(context, schema.metadata)
    script.upgrade_ops_list[0].ops.append(ExecuteSQLOp(_ONCE))
    finish_and_try(context, None, [script])
    assert script.upgrade_ops is not None
    refused = "Refused in a second run over its own result: it has run"
    assert refused in code(script.upgrade_ops, context)
    assert "This revision can't run over its own result: execute do $$ begin if" in caplog.text


_ONCE = """
    do $$
    begin
        if current_setting('lab.has_run', true) = 'true' then
            raise exception 'it has run';
        end if;
        perform set_config('lab.has_run', 'true', true);
    end
    $$
"""
