"""Declared tables are found in a database under the names that PostgreSQL has for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.sql import quoted_name

from tests.autogenerate.lab import Schema
from tests.autogenerate.round_trip import round_trip
from townhall import metadata as townhall_metadata
from townhall.pg.dialect import named_dialect
from townhall.testing.databases import Databases

pytestmark = pytest.mark.thorough  # each generates revisions and runs them

CONVENTION: Any = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "%(table_name)s_pkey",
}
NAMING = {
    "no convention": None,
    "a convention": CONVENTION,
    "townhall's": {**townhall_metadata.naming_convention, "pk": "%(table_name)s_pkey"},
}
POSTS = {
    schema: f"create schema if not exists {schema or 'public'};"
    f"create table {schema or 'public'}.posts (id serial primary key);"
    for schema in (None, "public", "shop")
}


def posts(*parts: sa.schema.SchemaItem, schema: str | None, naming: str) -> Schema:
    metadata = sa.MetaData(naming_convention=NAMING[naming])
    key = sa.Column("id", sa.Integer, primary_key=True)
    sa.Table("posts", metadata, key, *parts, schema=schema)
    return Schema(metadata)


def column(kind: str, schema: str | None) -> sa.Column[Any]:
    of = f"{schema}." if schema else ""
    parts: dict[str, tuple[Any, ...]] = {
        "index": (sa.Integer,),
        "unique": (sa.Integer,),
        "unique index": (sa.Integer,),
        "foreign key": (sa.ForeignKey(f"{of}posts.id"),),
        "enum": (sa.Enum("a", "b", name="mood", schema=schema),),
        "check": (sa.Integer, sa.CheckConstraint("of_check > 0", name="positive")),
    }
    name = f"of_{kind.replace(' ', '_')}"
    return sa.Column(name, *parts[kind], index=kind != "unique", unique="unique" in kind)


@pytest.mark.parametrize("naming", NAMING)
@pytest.mark.parametrize("schema", POSTS)
@pytest.mark.parametrize(
    "kind", ["index", "unique", "unique index", "foreign key", "enum", "check"]
)
def test_column_is_added_with_what_belongs_to_it(
    kind: str, schema: str | None, naming: str, databases: Databases
) -> None:
    declared = posts(column(kind, schema), schema=schema, naming=naming)
    round_trip(databases, POSTS[schema], declared)


@pytest.mark.parametrize("naming", NAMING)
@pytest.mark.parametrize("schema", [None, "shop"])
def test_column_that_is_renamed_in_its_declaration_is_replaced_with_its_index(
    schema: str | None, naming: str, databases: Databases
) -> None:
    before, after = (
        posts(
            sa.Column(name, sa.Integer, sa.ForeignKey(f"{of}posts.id"), index=True),
            sa.Column(f"{name}_code", sa.Text, unique=True),
            schema=schema,
            naming=naming,
        )
        for of in [f"{schema}." if schema else ""]
        for name in ("author", "editor")
    )
    script = "".join(f"{each};" for each in statements(before))
    revision = round_trip(databases, f"create schema shop;{script}", after)
    for operation in ("create_index", "drop_index", "add_column", "drop_column"):
        assert operation in revision.upgrade


def statements(schema: Schema) -> Iterator[str]:
    """Yield what SQLAlchemy itself creates the tables with."""
    dialect = named_dialect()
    for table in schema.metadata.sorted_tables:
        yield str(sa.schema.CreateTable(table).compile(dialect=dialect))
        for index in table.indexes:
            yield str(sa.schema.CreateIndex(index).compile(dialect=dialect))


@pytest.mark.parametrize("naming", NAMING)
@pytest.mark.parametrize("schema", POSTS)
def test_table_is_created_with_one_index_per_declared_one(
    schema: str | None, naming: str, databases: Databases
) -> None:
    kinds = ("check", "enum", "foreign key")
    declared = posts(*(column(kind, schema) for kind in kinds), schema=schema, naming=naming)
    revision = round_trip(databases, "create schema shop", declared)
    assert revision.upgrade.count("op.create_index") == len(kinds)


@pytest.mark.parametrize("table", [None, "public", "shop"])
@pytest.mark.parametrize("of", [None, "public", "kinds"])
def test_enum_has_another_schema_than_its_table(
    of: str | None, table: str | None, databases: Databases
) -> None:
    mood = sa.Enum("a", "b", name="mood", schema=of)
    declared = posts(
        sa.Column("mood", mood), sa.Column("all", sa.ARRAY(mood)), schema=table, naming="townhall's"
    )
    script = POSTS[table] + "create schema kinds;"
    round_trip(databases, script, declared, ["kinds"])


def test_public_of_the_metadata_is_the_schema_of_a_table_without_one(databases: Databases) -> None:
    metadata = sa.MetaData(schema="public")
    sa.Table("a", metadata, sa.Column("id", sa.Integer, primary_key=True))
    sa.Table("b", metadata, sa.Column("id", sa.ForeignKey("public.a.id"), primary_key=True))
    sa.Table("c", metadata, sa.Column("id", sa.ForeignKey("a.id"), primary_key=True), schema="shop")
    script = """
        create schema shop;
        create table a (id serial primary key);
        create table b (id integer primary key references a);
        create table shop.c (id integer primary key references a);
    """
    revision = round_trip(databases, script, Schema(metadata), ["shop"])
    assert "pass" in revision.upgrade


ID = "id serial primary key"
REFERRING = """
    create table shop.b (id integer primary key references a);
    create table shop.c (id integer primary key references shop.b);
    create table shop.d (id integer primary key references shop.b);
"""


@pytest.mark.parametrize("script", ["", f"create schema shop; create table a ({ID}); {REFERRING}"])
def test_foreign_key_of_a_metadata_with_a_schema_refers_to_a_table_without_one(
    script: str, databases: Databases
) -> None:
    metadata = sa.MetaData(schema="shop")
    key = sa.Column("id", sa.Integer, primary_key=True)
    outside = sa.Table("a", metadata, key, schema=sa.schema.BLANK_SCHEMA)
    sa.Table("b", metadata, sa.Column("id", sa.ForeignKey(outside.c.id), primary_key=True))
    sa.Table("c", metadata, sa.Column("id", sa.ForeignKey("b.id"), primary_key=True))
    sa.Table("d", metadata, sa.Column("id", sa.ForeignKey("shop.b.id"), primary_key=True))
    revision = round_trip(databases, script, Schema(metadata))
    assert ("pass" in revision.upgrade) == bool(script)


LONG = "l" * 40


@pytest.mark.parametrize("script", ["", f"create table {LONG} (id serial primary key)"], ids=len)
@pytest.mark.parametrize("letter", ["a", "ü"])
def test_long_names_of_a_convention_are_those_of_the_database(
    letter: str, script: str, databases: Databases
) -> None:
    one, two, three = (f"{number}{letter * 30}" for number in range(3))
    metadata = sa.MetaData(naming_convention=CONVENTION)
    sa.Table(
        LONG,
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(one, sa.Integer, sa.CheckConstraint("id > 1", name=one), index=True),
        sa.Column(two, sa.Integer, sa.ForeignKey(f"{LONG}.id"), unique=True),
        sa.Column(three, sa.Enum("a", name=three, native_enum=False, create_constraint=True)),
        sa.Index(None, "id", two),
    )
    round_trip(databases, script, Schema(metadata))


@pytest.mark.parametrize("letter", ["a", "ü"])
def test_long_names_are_cut_as_postgresql_cuts_them(letter: str, databases: Databases) -> None:
    long = letter * 70
    metadata = sa.MetaData()
    sa.Table(
        "posts",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(long, sa.Integer),
        sa.Index(f"i{long}", "id", postgresql_where=sa.text("id > 1")),
        sa.UniqueConstraint("id", name=f"u{long}"),
        sa.CheckConstraint("id > 0", name=f"c{long}"),
        sa.ForeignKeyConstraint(["id"], ["posts.id"], name=f"f{long}"),
    )
    round_trip(databases, POSTS[None], Schema(metadata))


def test_names_that_are_declared_without_quotes_are_folded_as_postgresql_folds_them(
    databases: Databases,
) -> None:
    def unquoted(name: str) -> quoted_name:
        return quoted_name(name, quote=False)

    key = sa.Column("ID", sa.Integer, primary_key=True, quote=False)
    metadata = sa.MetaData()
    sa.Table(
        "posts",
        metadata,
        key,
        sa.Column("Parent", sa.Integer, sa.ForeignKey(key), quote=False, index=True),
        sa.Index(unquoted("Whole"), "ID", postgresql_where=sa.text("id > 1")),
        sa.UniqueConstraint("Parent", name=unquoted("Unique")),
        sa.CheckConstraint("id > 0", name=unquoted("Check")),
    )
    round_trip(databases, "", Schema(metadata))
    round_trip(databases, POSTS[None], Schema(metadata))


def test_tables_on_the_search_path_of_the_role_are_left_alone(databases: Databases) -> None:
    script = """
        do $$
        begin
            execute format(
                'alter database %I set search_path = public, auth, audit, extensions',
                current_database()
            );
        end
        $$;
        create schema auth;
        create table auth.users (id integer primary key);
        create schema audit;
        create table audit.log (id integer primary key);
        create schema extensions;
        create extension vector with schema extensions;
        create table public.names (name text primary key);
    """
    metadata = sa.MetaData()
    sa.Table("names", metadata, sa.Column("name", sa.Text, primary_key=True))
    revision = round_trip(databases, script, Schema(metadata))
    assert "pass" in revision.upgrade
    revision = round_trip(databases, script)
    assert "users" not in revision.upgrade
    assert "log" not in revision.upgrade
