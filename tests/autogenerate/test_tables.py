"""Every form that SQLAlchemy knows of a table is made in one revision, and then nothing differs."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from townhall import metadata as townhall_metadata

AS_CHECK: dict[str, Any] = {"native_enum": False, "create_constraint": True, "length": 20}


def table(
    *parts: sa.schema.SchemaItem,
    partition_by: str | None = None,
    names: sa.MetaData = townhall_metadata,
) -> Schema:
    """Return a declaration of one table, with a key of its own."""
    metadata = sa.MetaData(naming_convention=names.naming_convention)
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


def test_a_check_of_a_column_comes_with_its_table(lab: Lab) -> None:
    schema = table(
        sa.Column("size", sa.Integer, sa.CheckConstraint("size > 0", name="positive")),
        sa.Column("name", sa.Text, sa.CheckConstraint("name <> ''")),
        names=sa.MetaData(),
    )
    revision = lab.there_and_back(Schema(), schema)
    assert "create_check_constraint" not in revision.upgrade
    assert "name='positive'" in revision.upgrade


def test_a_check_of_a_column_comes_with_its_column(lab: Lab) -> None:
    revision = lab.there_and_back(
        table(),
        table(
            sa.Column("size", sa.Integer, sa.CheckConstraint("size > 0", name="positive")),
            sa.Column("kind", sa.Enum("a", "b", name="kind", **AS_CHECK)),
        ),
    )
    assert "ck_things_positive" in revision.upgrade


def test_a_check_without_a_name_comes_with_its_column(lab: Lab) -> None:
    check = sa.CheckConstraint("size > 0")
    lab.there_and_back(
        table(names=sa.MetaData()),
        table(sa.Column("size", sa.Integer, check), names=sa.MetaData()),
    )


def test_the_values_of_a_check_of_a_type_change(lab: Lab) -> None:
    def kinds(*values: str) -> Schema:
        return table(sa.Column("kind", sa.Enum(*values, name="kind", **AS_CHECK)))

    lab.migrate(kinds("a", "b"))
    lab.migrate(kinds("a", "b", "it's 100%"))


def test_a_check_of_a_type_comes_with_its_table_under_the_name_of_the_convention(lab: Lab) -> None:
    schema = table(
        sa.Column("kind", sa.Enum("a", "b", name="kind", **AS_CHECK)),
        sa.Column("is_open", sa.Boolean(create_constraint=True, name="open")),
    )
    revision = lab.there_and_back(Schema(), schema)
    assert "ck_things_kind" in revision.upgrade
    assert "constraint(" not in revision.upgrade


def test_two_new_tables_need_each_other(lab: Lab) -> None:
    metadata = sa.MetaData(naming_convention=townhall_metadata.naming_convention)
    for name, other, is_late in (("cats", "dogs", True), ("dogs", "cats", False)):
        sa.Table(
            name,
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("other", sa.ForeignKey(f"{SCHEMA}.{other}.id", use_alter=is_late)),
            schema=SCHEMA,
        )
    lab.there_and_back(Schema(), Schema(metadata))


class Guid(sa.TypeDecorator[str]):
    """A type that is another one on PostgreSQL."""

    impl = sa.CHAR(32)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        plain = postgresql.UUID() if dialect.name == "postgresql" else sa.CHAR(32)
        return dialect.type_descriptor(plain)


def test_a_type_is_written_as_postgresql_has_it(lab: Lab) -> None:
    revision = lab.there_and_back(
        Schema(), table(sa.Column("lasts", sa.Interval), sa.Column("guid", Guid))
    )
    assert "sa.Interval()" in revision.upgrade
    assert "sa.UUID()" in revision.upgrade


def test_per_cent_signs_stay_as_they_are(lab: Lab) -> None:
    lab.there_and_back(
        Schema(),
        table(
            sa.Column("name", sa.Text, server_default=sa.text("'100%'")),
            sa.Column("full", sa.Text, sa.Computed("name || '%'")),
            sa.CheckConstraint("name like 'x%'", name="begins"),
            sa.Index("begins", "name", postgresql_where=sa.text("name like 'y%'")),
        ),
    )


@pytest.mark.parametrize("default", ["it's", sa.text("'50%'"), None, "", sa.func.lower("It's")])
def test_a_default_changes(lab: Lab, default: Any) -> None:  # noqa: ANN401 - as SQLAlchemy takes it
    lab.there_and_back(
        table(sa.Column("name", sa.Text, server_default="that's")),
        table(sa.Column("name", sa.Text, server_default=default)),
    )
