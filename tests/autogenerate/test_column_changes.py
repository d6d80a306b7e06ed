"""A column's type and default are changed there and back: ``pg_dump`` says the same as before."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

from tests.autogenerate.lab import Schema
from tests.autogenerate.round_trip import round_trip
from townhall.testing.databases import Databases

pytestmark = pytest.mark.thorough  # each generates revisions and runs them

MOODS = "create type mood as enum ('a', 'b');"
TYPES = f"""
    {MOODS}
    create schema extensions;
    create extension vector with schema extensions;
    create type extensions.pair as (x integer, y text);
    create domain extensions.short as varchar(5);
"""


class Vector(UserDefinedType[Any]):
    """A type of an extension, as an application defines it."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
        return "extensions.VECTOR(3)"


class Stored(sa.TypeDecorator[Any]):
    """A type that is stored as one of an extension."""

    impl = Vector
    cache_ok = True


class Pair(UserDefinedType[Any]):
    """A composite type."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
        return "extensions.pair"


def mood(**options: Any) -> sa.Enum:  # noqa: ANN401 - as SQLAlchemy takes it
    return sa.Enum("a", "b", name="mood", **options)


def things(*parts: Any, **options: Any) -> Schema:  # noqa: ANN401 - as SQLAlchemy takes it
    metadata = sa.MetaData()
    key = sa.Column("id", sa.Integer, primary_key=True)
    sa.Table("things", metadata, key, *parts, **options)
    return Schema(metadata)


def table(definition: str) -> str:
    return f"create table things (id serial primary key, part {definition})"


CHANGES: dict[str, tuple[str, sa.Column[Any]]] = {
    "enum to text": (f"{MOODS} {table('mood')}", sa.Column("part", sa.Text)),
    "enum with a default to text": (
        MOODS + table("mood not null default 'a'"),
        sa.Column("part", sa.Text, nullable=False, server_default="a"),
    ),
    "enum with a default to text without one": (
        MOODS + table("mood default 'a'"),
        sa.Column("part", sa.Text),
    ),
    "text to enum": (table("text"), sa.Column("part", mood())),
    "text with a default to enum": (
        table("text default 'a'"),
        sa.Column("part", mood(), server_default="b"),
    ),
    "varchar to enum, and not null": (
        table("varchar(5)"),
        sa.Column("part", mood(), nullable=False, comment="it's"),
    ),
    "texts to enums": (table("text[] default '{}'"), sa.Column("part", sa.ARRAY(mood()))),
    "enums to texts": (f"{MOODS} {table('mood[]')}", sa.Column("part", sa.ARRAY(sa.Text))),
    "enum to another": (
        MOODS + table("mood default 'a'"),
        sa.Column("part", sa.Enum("a", "b", name="other"), server_default="a"),
    ),
    "integer to text": (table("integer"), sa.Column("part", sa.Text)),
    "integer with a default to text": (
        table("integer default 1"),
        sa.Column("part", sa.Text, server_default="x"),
    ),
    "integer to boolean": (table("integer"), sa.Column("part", sa.Boolean)),
    "boolean to integer": (table("boolean default true"), sa.Column("part", sa.Integer)),
    "bigint to integer": (table("bigint default 7"), sa.Column("part", sa.Integer)),
    "json to jsonb": (table("json default '{}'"), sa.Column("part", postgresql.JSONB)),
    "longer text": (
        table("varchar(5) default 'x'"),
        sa.Column("part", sa.String(50), server_default="x"),
    ),
    "shorter text": (table("varchar(50)"), sa.Column("part", sa.String(5))),
    "other collation": (table("text"), sa.Column("part", sa.Text(collation="C"))),
    "former collation": (table('text collate "C"'), sa.Column("part", sa.Text)),
    "from one collation to another": (
        table("varchar(5) collate \"C\" default 'x'"),
        sa.Column("part", sa.String(5, collation="POSIX"), server_default="x"),
    ),
    "shorter text of another collation": (
        table("text"),
        sa.Column("part", sa.String(5, collation="C")),
    ),
    "timestamp": (table("timestamp default now()"), sa.Column("part", sa.DateTime(timezone=True))),
    "composite to text": (f"{TYPES} {table('extensions.pair')}", sa.Column("part", sa.Text)),
    "of an extension to text": (
        f"{TYPES} {table('extensions.vector(3)')}",
        sa.Column("part", sa.Text),
    ),
    "domain to text": (f"{TYPES} {table('extensions.short')}", sa.Column("part", sa.Text)),
    "default with a colon": (table("text"), sa.Column("part", sa.Text, server_default=":x \\ %")),
    "no default with a colon": (
        table(r"text default E'a\n  \n :x 100% \\\\'"),
        sa.Column("part", sa.Text),
    ),
    "other default": (
        table("integer default 1"),
        sa.Column("part", sa.Integer, server_default="2"),
    ),
    "not null": (table("integer"), sa.Column("part", sa.Integer, nullable=False)),
    "comment": (f"{TYPES} {table('extensions.pair')}", sa.Column("part", Pair, comment=":x")),
}


@pytest.mark.parametrize(("script", "column"), CHANGES.values(), ids=CHANGES.keys())
def test_column_is_changed_and_changed_back(
    script: str, column: sa.Column[Any], databases: Databases
) -> None:
    of_this_test = column._copy()  # noqa: SLF001 - a column belongs to one table
    round_trip(databases, script, things(of_this_test))


EXPRESSIONS = {
    "check": (
        "alter table things add constraint c check (part <> 'a')",
        sa.CheckConstraint("part <> 'a'", name="c"),
    ),
    "partial index": (
        "create index i on things (id) where part = 'a'",
        sa.Index("i", "id", postgresql_where=sa.text("part = 'a'")),
    ),
}


@pytest.mark.parametrize(("script", "part"), EXPRESSIONS.values(), ids=EXPRESSIONS.keys())
def test_expression_with_a_constant_of_the_former_type_blocks_no_change(
    script: str, part: sa.CheckConstraint | sa.Index, databases: Databases
) -> None:
    declared = things(sa.Column("part", sa.Text), part)
    round_trip(databases, f"{MOODS} {table('mood')}; {script}", declared)


def test_default_blocks_no_change_of_a_type(databases: Databases) -> None:
    declared = things(sa.Column("part", sa.Text, server_default="a"))
    revision = round_trip(databases, MOODS + table("mood default 'a'"), declared)
    assert "alter column part drop default,\n" in revision.upgrade
    assert "alter column part type text,\n" in revision.upgrade


def test_values_are_cast_where_postgresql_has_to_be_told(databases: Databases) -> None:
    revision = round_trip(databases, table("text"), things(sa.Column("part", mood())))
    assert "type mood using part::mood" in revision.upgrade
    revision = round_trip(databases, table("integer"), things(sa.Column("part", sa.Text)))
    assert "using" not in revision.upgrade
    assert "using part::integer" in revision.downgrade


@pytest.mark.parametrize("type_", [Vector(), Stored(), sa.ARRAY(Vector()), sa.ARRAY(Stored())])
@pytest.mark.parametrize("script", ["", "create table things (id serial primary key);"], ids=len)
def test_type_of_an_extension_is_written_by_its_name(
    script: str, type_: sa.types.TypeEngine[Any], databases: Databases
) -> None:
    declared = things(sa.Column("part", type_))
    revision = round_trip(databases, TYPES + script, declared)
    assert 'pg.ColumnType("extensions.vector(3)")' in revision.upgrade


def test_serial_column_gets_its_sequence(databases: Databases) -> None:
    script = "create table things (id integer primary key, part text)"
    revision = round_trip(databases, script, things(sa.Column("part", sa.Text)))
    assert "owned by public.things.id" in revision.upgrade


@pytest.mark.parametrize(
    ("type_", "default"),
    [(sa.Integer, None), (sa.Integer, "7"), (sa.Integer, sa.Identity()), (sa.Text, None)],
    ids=["no default", "another default", "identity", "another type"],
)
def test_sequence_goes_with_the_default_of_a_serial_column(
    type_: type[sa.types.TypeEngine[Any]], default: str | sa.Identity | None, databases: Databases
) -> None:
    column = sa.Column("part", type_, nullable=False, server_default=default)
    script = "create table things (id serial primary key, part serial)"
    round_trip(databases, script, things(column))


def test_serial_key_of_another_type_keeps_its_sequence(databases: Databases) -> None:
    metadata = sa.MetaData()
    sa.Table("things", metadata, sa.Column("id", sa.BigInteger, primary_key=True))
    revision = round_trip(
        databases, "create table things (id serial primary key)", Schema(metadata)
    )
    assert "set default nextval('public.things_id_seq'::regclass)" in revision.upgrade
    assert "alter sequence public.things_id_seq as bigint" in revision.upgrade
    assert "alter sequence public.things_id_seq as integer" in revision.downgrade


@pytest.mark.exhaustive
def test_text_with_a_colon_has_no_parameter(databases: Databases) -> None:
    text = "part <> ':x' and part <> 'a\\:b' and part !~ '::y'"
    declared = things(
        sa.Column(
            "part", sa.Text, sa.CheckConstraint(text.replace(":", r"\:")), server_default=":x"
        ),
        sa.Column("size", sa.Integer, sa.Computed(r"length(part || '\:x')")),
        sa.Index("i", sa.text(r"(part || '\:x')"), postgresql_where=sa.text(r"part <> '\:x'")),
    )
    round_trip(databases, "", declared)
    round_trip(databases, "create table things (id serial primary key)", declared)
