"""Kinds of entities that belong to a database, or to the storage and replication of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from tests.autogenerate.every_kind import has_extension
from tests.autogenerate.lab import SCHEMA, SINCE_2_1, Lab, Schema
from townhall import pg
from townhall.pg import Entity
from townhall.pg.default_privileges import Objects

NAME = "It's 100% odd"


def declared(*entities: Entity, **options: Any) -> Schema:  # noqa: ANN401 - as SQLAlchemy takes them
    metadata = sa.MetaData()
    sa.Table(
        NAME,
        metadata,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("odd column", sa.Text),
        schema=SCHEMA,
        **options,
    )
    return Schema(metadata, entities)


def published(**values: Any) -> pg.PublicationTable:  # noqa: ANN401 - the fields
    return pg.PublicationTable(schema=SCHEMA, table=NAME, publication=NAME, **values)


def stored(**parameters: str) -> pg.StorageParameters:
    return pg.StorageParameters(schema=SCHEMA, table=NAME, parameters=parameters)


def default(objects: Objects, **grants: Sequence[str]) -> pg.DefaultPrivileges:
    return pg.DefaultPrivileges(
        schema=SCHEMA,
        objects=objects,
        grants={role: tuple(privileges) for role, privileges in grants.items()},
    )


@pytest.fixture
def lab(lab: Lab) -> Lab:
    lab.connection.execute(sa.text(f'create publication "{NAME}"'))
    return lab


CHANGES: dict[str, tuple[list[Entity], list[Entity]]] = {
    "a table is published": ([], [published()]),
    "a part of a table is published": (
        [published()],
        [published(columns=("id",), where="\"odd column\" in ('a', ':b')")],
    ),
    "another part of a table is published": (
        [published(where="id > 3")],
        [published(where="id > 4")],
    ),
    "storage parameters are declared": ([], [stored(fillfactor="70")]),
    "storage parameters are changed": (
        [stored(fillfactor="70")],
        [stored(autovacuum_enabled="off", fillfactor="80")],
    ),
    "storage parameters have their defaults": ([stored(fillfactor="70")], [stored()]),
    "default privileges are declared": ([], [default("functions", anon=("execute",))]),
    "default privileges are changed": (
        [default("tables", anon=("select",))],
        [default("tables", authenticated=("all",), anon=("insert with grant option",))],
    ),
    "default privileges are none": ([default("tables", anon=("select",))], [default("tables")]),
    "a schema is commented": (
        [pg.SchemaAccess(schema=SCHEMA)],
        [pg.SchemaAccess(schema=SCHEMA, comment="Orders.")],
    ),
    "a schema's comment is removed": (
        [pg.SchemaAccess(schema=SCHEMA, comment="Orders.")],
        [pg.SchemaAccess(schema=SCHEMA, comment="")],
    ),
    "an extension is created": ([], [pg.Extension(schema=SCHEMA, name="vector")]),
    "an extension gets another schema": (
        [pg.Extension(schema=SCHEMA, name="vector")],
        [pg.Extension(schema="public", name="vector")],
    ),
}


@pytest.mark.thorough
@pytest.mark.parametrize(("old", "new"), CHANGES.values(), ids=CHANGES)
def test_change_is_found_and_reverted(lab: Lab, old: list[Entity], new: list[Entity]) -> None:
    lab.there_and_back(declared(*old), declared(*new))


@pytest.mark.thorough
def test_entities_are_dropped_and_recreated_with_their_table(lab: Lab) -> None:
    entities = [entity for _, new in CHANGES.values() for entity in new]
    unique = {entity.key: entity for entity in entities}
    lab.there_and_back(declared(*unique.values()), Schema())


@pytest.mark.thorough
@SINCE_2_1
def test_storage_parameters_of_a_model_are_compared(lab: Lab) -> None:
    lab.there_and_back(
        declared(postgresql_with={"fillfactor": 70}),
        declared(postgresql_with={"fillfactor": 80, "autovacuum_enabled": False}),
    )


@pytest.mark.thorough
def test_manual_membership_is_revoked_and_granted_again_by_the_downgrade(lab: Lab) -> None:
    lab.migrate(declared())
    lab.run(
        "pg.create_entity(pg.PublicationTable("
        f"schema={SCHEMA!r}, table={NAME!r}, publication={NAME!r}, where='id > 1'))"
    )
    (difference,) = lab.differences(declared())
    assert "drop_publication_table" in difference


def test_undeclared_states_and_extensions_are_left_alone(lab: Lab) -> None:
    lab.migrate(declared())
    lab.run(f"pg.create_entity(pg.Extension(schema={SCHEMA!r}, name='vector'))")
    lab.run(f"pg.create_entity(pg.DefaultPrivileges(schema={SCHEMA!r}, objects='tables'))")
    lab.run(f"op.execute('comment on schema {SCHEMA} is $$Orders.$$')")
    assert lab.differences(declared()) == []


def test_table_whose_default_needs_an_extension_is_created_after_it(lab: Lab) -> None:
    if not has_extension(lab.connection):
        pytest.skip("this server does not have the extension")
    metadata = sa.MetaData()
    dimensions = sa.text(f"{SCHEMA}.vector_dims('[1, 2]'::{SCHEMA}.vector)")
    column = sa.Column("size", sa.Integer, server_default=dimensions)
    sa.Table("embeddings", metadata, column, schema=SCHEMA)
    schema = Schema(metadata, [pg.Extension(schema=SCHEMA, name="vector")])
    upgrade, _ = lab.operations(schema)
    names = [type(operation).__name__ for operation in upgrade.ops]
    assert names == ["CreateEntityOp", "CreateTableOp"]


@pytest.mark.thorough
def test_own_policy_of_a_partition_is_left_alone_and_can_be_declared(lab: Lab) -> None:
    metadata = sa.MetaData()
    sa.Table(
        "visits",
        metadata,
        sa.Column("id", sa.Integer),
        schema=SCHEMA,
        postgresql_partition_by="list (id)",
    )
    lab.migrate(Schema(metadata))
    lab.run(
        f"op.execute('create table {SCHEMA}.first partition of {SCHEMA}.visits for values in (1);"
        f"create policy by_hand on {SCHEMA}.first using (true)')"
    )
    assert lab.differences(Schema(metadata)) == []
    policy = pg.Policy(
        schema=SCHEMA, table="first", name="own", command="select", roles=("anon",), using="id = 1"
    )
    lab.there_and_back(Schema(metadata), Schema(metadata, [policy]))
