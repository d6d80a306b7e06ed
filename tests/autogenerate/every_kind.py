"""A schema with an object of every kind that can be declared, each in a form with many values."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql

from tests.autogenerate.lab import SCHEMA, Schema
from townhall import pg
from townhall.pg import Entity

PUBLICATION = "odd publication"
CLIENTS = ("authenticated",)
MOOD = sa.Enum("good", "it's bad", name="Odd mood", schema=SCHEMA)


def declared(connection: Connection) -> Schema:
    """Return the declaration; the publication must exist.

    Args:
        connection: A connection to the server, which may lack the extension.
    """
    metadata = sa.MetaData()
    _declare_tables(metadata)
    entities = [*_TYPES, *_ROUTINES, *_ON_TABLES, *_VIEWS, *_OF_THE_DATABASE]
    return Schema(metadata, [*entities, EXTENSION] if has_extension(connection) else entities)


def has_extension(connection: Connection) -> bool:
    """Tell whether the server has the extension that is declared."""
    query = sa.text("select from pg_available_extensions where name = :name")
    return connection.execute(query, {"name": EXTENSION.name}).first() is not None


def _declare_tables(metadata: sa.MetaData) -> None:
    sa.Table(
        "Odd things",
        metadata,
        sa.Column("id", sa.Integer, sa.Identity(always=True), nullable=False),
        sa.Column("Odd code", sa.Text, server_default="none", nullable=False),
        sa.Column("number", sa.Integer),
        sa.Column("twice", sa.Integer, sa.Computed("number * 2", persisted=True)),
        sa.Column("mood", MOOD),
        sa.Column("parent", sa.Integer),
        sa.Column("note", sa.Text, server_default="none", nullable=False, comment="Odd."),
        sa.PrimaryKeyConstraint("id", name="Odd key", **_commented("The key.")),
        sa.UniqueConstraint("Odd code", name="Odd unique", **_commented("One each.")),
        sa.CheckConstraint("number > 0", name="Odd check", **_commented("Counted.")),
        sa.ForeignKeyConstraint(
            ["parent"],
            [f"{SCHEMA}.Odd things.id"],
            name="Odd parent",
            ondelete="cascade",
            comment="A tree.",
        ),
        postgresql.ExcludeConstraint(("number", "="), name="Odd exclusion", using="btree"),
        sa.Index(
            "Odd index", "number", postgresql_where=sa.text("number > 1"), **_commented("Fast.")
        ),
        comment="It's odd.",
        schema=SCHEMA,
    )
    key = sa.Column("id", sa.Integer, primary_key=True, autoincrement=False)
    sa.Table("Odd table", metadata, key, comment="It's odd.", schema=SCHEMA)
    sa.Table("Odd log", metadata, sa.Column("id", sa.Integer, nullable=False), schema=SCHEMA)
    serial = sa.Column("id", sa.Integer, primary_key=True)
    sa.Table("Odd things in lines", metadata, serial, schema=SCHEMA)


def _commented(text: str) -> dict[str, Any]:
    return {"info": {"comment": text}}


_TYPES: list[Entity] = [
    pg.EnumType.of(MOOD),
    pg.EnumType(schema=SCHEMA, name="Odd enum", values=("a", "b"), usage=CLIENTS, comment="Odd."),
    pg.Domain(
        schema=SCHEMA,
        name="Odd percent",
        base="integer",
        default="0",
        is_nullable=False,
        checks={"In range": "value between 0 and 100"},
        usage=CLIENTS,
    ),
    pg.CompositeType(
        schema=SCHEMA,
        name="Odd address",
        attributes={"street": "text", "Number": "integer"},
        attribute_comments={"Number": "Of the house."},
        usage=CLIENTS,
    ),
    pg.RangeType(schema=SCHEMA, name="Odd period", subtype="text", usage=CLIENTS),
    pg.Sequence(
        schema=SCHEMA,
        name="Odd numbers",
        start=100,
        grants={"authenticated": ("usage",)},
        comment="Numbers.",
    ),
]
_ROUTINES: list[Entity] = [
    pg.Function(
        schema=SCHEMA,
        name="Odd function",
        arguments={"position": "integer"},
        returns="setof integer",
        body="select position",
        execute=CLIENTS,
        comment="It's odd.",
    ),
    pg.Function(schema=SCHEMA, name="Odd stamp", language="plpgsql", body="begin return null; end"),
    pg.Function(
        schema=SCHEMA, name="Other stamp", language="plpgsql", body="begin return null; end"
    ),
    pg.Procedure(
        schema=SCHEMA,
        name="Odd procedure",
        arguments={"position": "integer"},
        language="plpgsql",
        body="begin perform position; end",
        execute=CLIENTS,
        comment="It's odd.",
    ),
]
_ON_TABLES: list[Entity] = [
    pg.TableAccess(schema=SCHEMA, table="Odd table"),
    pg.TableAccess(schema=SCHEMA, table="Odd log"),
    pg.TableAccess(
        schema=SCHEMA,
        table="Odd things",
        grants={"authenticated": ("select", 'update ("Odd code")')},
    ),
    pg.Policy(
        schema=SCHEMA,
        table="Odd things",
        name="Odd policy",
        command="update",
        roles=("authenticated",),
        using="number > 1",
        check="number > 2",
        comment="It's odd.",
    ),
    pg.Trigger(
        schema=SCHEMA,
        table="Odd things",
        name="Odd trigger",
        timing="before",
        events=("update",),
        columns=("number",),
        condition="old.number <> new.number",
        function=f'{SCHEMA}."Odd stamp"',
        arguments=("it's",),
        comment="It's odd.",
    ),
    pg.Trigger(
        schema=SCHEMA,
        table="Odd things",
        name="Odd constraint trigger",
        timing="after",
        events=("insert",),
        function=f'{SCHEMA}."Odd stamp"',
        constraint=True,
        deferrable=True,
        initially="deferred",
    ),
    pg.Trigger(
        schema=SCHEMA,
        table="Odd things",
        name="Odd statement trigger",
        timing="after",
        events=("update",),
        level="statement",
        old_table="before",
        new_table="behind",
        function=f'{SCHEMA}."Odd stamp"',
    ),
    pg.ReplicaIdentity(schema=SCHEMA, table="Odd things", mode="index", index="Odd unique"),
    pg.StorageParameters(schema=SCHEMA, table="Odd things", parameters={"fillfactor": "70"}),
    pg.PublicationTable(
        schema=SCHEMA,
        table="Odd things",
        publication=PUBLICATION,
        columns=("id", "Odd code", "number"),
        where="number > 3",
    ),
]
_VIEWS: list[Entity] = [
    pg.View(
        schema=SCHEMA,
        name="Odd view",
        definition=f'select id, number from {SCHEMA}."Odd things" where number > 7',
        grants={"authenticated": ("select",)},
        comment="It's odd.",
        column_comments={"number": "Counted."},
        check_option="local",
    ),
    pg.MaterializedView(
        schema=SCHEMA,
        name="Odd snapshot",
        definition=f'select id, number from {SCHEMA}."Odd things"',
        grants={"authenticated": ("select",)},
        indexes={"Odd index of snapshot": "using btree (number)"},
        comment="It's odd.",
        column_comments={"number": "Counted."},
    ),
]
_OF_THE_DATABASE: list[Entity] = [
    pg.SchemaAccess(schema=SCHEMA, usage=CLIENTS, create=("service_role",), comment="It's odd."),
    pg.DefaultPrivileges(schema=SCHEMA, objects="tables", grants={"authenticated": ("select",)}),
]
EXTENSION = pg.Extension(schema=SCHEMA, name="vector")
