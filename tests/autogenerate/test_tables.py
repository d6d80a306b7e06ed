"""Every form that SQLAlchemy knows of a table is made in one revision, and then nothing differs."""

from __future__ import annotations

import sqlalchemy as sa

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from townhall import metadata as townhall_metadata


def table(*parts: sa.schema.SchemaItem, partition_by: str | None = None) -> Schema:
    """Return a declaration of one table, with a key of its own."""
    metadata = sa.MetaData(naming_convention=townhall_metadata.naming_convention)
    key = sa.Column("id", sa.Integer, primary_key=True)
    sa.Table("things", metadata, key, *parts, schema=SCHEMA, postgresql_partition_by=partition_by)
    return Schema(metadata)


def test_partitions_belong_to_their_table(lab: Lab) -> None:
    schema = table(partition_by="range (id)")
    lab.migrate(schema)
    lab.connection.execute(
        sa.text("create table lab.things_1 partition of lab.things for values from (1) to (2)")
    )
    assert lab.differences(schema) == []
    assert [difference.split()[0] for difference in lab.differences(Schema())] == [
        "('remove_table',"
    ]
