"""A comparison takes the same few statements, however much is declared."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import event

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from townhall import pg
from townhall.migrate.savepoints import run_script
from townhall.migrate.write.revision import flat

OTHER = f"{SCHEMA}_other"
LIMIT = 49
"""Those of a comparison of ``public`` with indexes, and of another schema and its filters."""


def declared(tables: int) -> Schema:
    metadata = sa.MetaData()
    names = [f"t{number}" for number in range(tables)]
    for name in names:
        add_table(metadata, SCHEMA, name)
    return Schema(metadata, [entity for name in names for entity in entities(name)])


def add_table(metadata: sa.MetaData, schema: str, name: str) -> None:
    columns = (sa.Column("id", sa.Uuid, primary_key=True), sa.Column("a", sa.Text, index=True))
    sa.Table(name, metadata, *columns, schema=schema)


def entities(table: str) -> list[pg.Entity]:
    function = pg.Function(
        schema=SCHEMA,
        name=f"stamp_{table}",
        returns="trigger",
        language="plpgsql",
        body="begin return new; end",
    )
    return [
        function,
        pg.TableAccess(schema=SCHEMA, table=table),
        pg.Policy(
            schema=SCHEMA, table=table, name="p", command="select", roles=("public",), using="true"
        ),
        pg.Trigger(
            schema=SCHEMA,
            table=table,
            name="stamp",
            timing="before",
            events=("update",),
            function=function.literal_name,
        ),
        pg.View(schema=SCHEMA, name=f"v_{table}", definition=f"select id from {SCHEMA}.{table}"),
    ]


def statements(lab: Lab, schema: Schema) -> int:
    """Create what is declared, and return how many statements find that nothing differs."""
    schema.metadata.create_all(lab.connection)
    for entity in schema.entities:
        assert isinstance(entity, pg.Entity)
        run_script(lab.connection, entity.create_statements())
    executed: list[object] = []

    def count(*_: object) -> None:
        executed.append(None)

    event.listen(lab.connection, "before_cursor_execute", count)
    assert lab.differences(schema) == []
    event.remove(lab.connection, "before_cursor_execute", count)
    return len(executed)


def test_a_comparison_without_changes_takes_few_statements_whatever_its_size(lab: Lab) -> None:
    assert max(statements(lab, declared(tables)) for tables in (1, 3)) <= LIMIT


def test_a_comparison_takes_as_few_statements_for_a_table_in_each_of_several_schemas(
    lab: Lab,
) -> None:
    # Alembic takes the schemas in an order that changes from run to run.
    lab.schemas = (SCHEMA, *(f"{SCHEMA}_{number}" for number in range(3)))
    metadata = sa.MetaData()
    counted = []
    for name in ("t1", "t2"):
        for schema in lab.schemas:
            lab.connection.execute(sa.text(f"create schema if not exists {schema}"))
            add_table(metadata, schema, name)
        counted.append(statements(lab, Schema(metadata)))
    assert counted[0] == counted[1]


def in_two_schemas(*, has_parts: bool) -> Schema:
    metadata = sa.MetaData()
    for schema in (SCHEMA, OTHER):
        for name in ("bare", "full"):
            columns = [sa.Column("id", sa.Uuid, primary_key=True), sa.Column("a", sa.Uuid)]
            sa.Table(name, metadata, *columns, schema=schema)
    if has_parts:
        full = metadata.tables[f"{OTHER}.full"]
        full.comment = "It has all parts."
        sa.ForeignKeyConstraint(["a"], [f"{SCHEMA}.bare.id"], name="fk", table=full)
        full.append_constraint(sa.UniqueConstraint("a", name="uq"))
        sa.Index("ix", full.c.a)
    return Schema(metadata)


def test_parts_that_one_table_of_several_schemas_has_are_created_and_dropped(lab: Lab) -> None:
    lab.schemas = (SCHEMA, OTHER)
    lab.connection.execute(sa.text(f"create schema {OTHER}"))
    bare, full = in_two_schemas(has_parts=False), in_two_schemas(has_parts=True)
    lab.there_and_back(bare, full)
    upgrade, _ = lab.operations(bare)
    assert len([*flat(upgrade)]) == 4
