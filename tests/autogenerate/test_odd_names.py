"""Names with every character that SQL, Python or a driver gives a meaning."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from townhall import pg
from townhall.pg import sql

ODD = {
    "what ends a line or a text": 'a\nb\r\n"c" \'d\' """e',
    "what starts a parameter": "%s %(f)s :g ::h {i} @j",
    "what a regular expression reads": "\\k \\n $l $$ [m] (n)",
    "what ends a statement or starts a comment": "o; /* p -- q $do$",
    "what stands in the definition of an index": "a USING b ON c",
    "a word that PostgreSQL 16 reserves": "system_user",
    "a word that SQLAlchemy does not quote": "tablesample",
}


def declared(odd: str, version: int) -> Schema:
    """Return an object of each kind with an odd name, and with texts of its name."""
    text = sql.literal(f"{odd} {version}")
    column, table = sql.quote(odd), sql.qualified(SCHEMA, odd)
    mood = postgresql.ENUM("calm", odd, name=f"{odd} mood", schema=SCHEMA)
    metadata = sa.MetaData()
    sa.Table("parents", metadata, sa.Column("id", sa.Integer, primary_key=True), schema=SCHEMA)
    things = sa.Table(
        odd,
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(odd, sa.Text, server_default=odd, comment=f"{odd} {version}"),
        sa.Column("parent", sa.ForeignKey(f"{SCHEMA}.parents.id", name=f"{odd} fk")),
        sa.Column("mood", mood),
        sa.Column("moods", postgresql.ARRAY(mood)),
        sa.UniqueConstraint(odd, name=f"{odd} key", deferrable=version == 1),
        sa.CheckConstraint(sa.text(f"{column} <> {text}".replace(":", "\\:")), name=f"{odd} check"),
        schema=SCHEMA,
        comment=f"{odd} {version}",
    )
    sa.Index(f"{odd} ix", *[things.columns[name] for name in (odd, "id")[:version]])
    sa.Index(f"{odd} lower", sa.func.lower(things.columns[odd]))
    stamp = pg.Function(
        schema=SCHEMA, name=f"{odd} stamp", language="plpgsql", body="begin return new; end"
    )
    query = f"select {column} as {column}, {version} as n from {table}"
    return Schema(
        metadata,
        [
            pg.TableAccess(schema=SCHEMA, table=odd, grants={"authenticated": ("select",)}),
            pg.Policy(
                schema=SCHEMA,
                comment=f"{odd} {version}",
                table=odd,
                name=odd,
                command="select",
                roles=("authenticated",),
                using=f"{column} <> {text}",
            ),
            pg.Function(
                schema=SCHEMA,
                comment=f"{odd} {version}",
                name=odd,
                arguments={odd: "integer default 1"},
                returns=("integer", "bigint")[version - 1],
                body=f"select {version}",
            ),
            pg.Procedure(
                schema=SCHEMA,
                name=f"{odd} do",
                arguments={odd: "integer"},
                body=f"select {version}",
            ),
            stamp,
            pg.Trigger(
                schema=SCHEMA,
                comment=f"{odd} {version}",
                table=odd,
                name=odd,
                timing="before",
                events=("insert",) if version == 1 else ("insert", "update"),
                function=stamp,
            ),
            pg.Domain(
                schema=SCHEMA,
                name=f"{odd} domain",
                base="text",
                checks={odd: f"value <> {text}"},
            ),
            pg.CompositeType(
                schema=SCHEMA,
                name=f"{odd} row",
                attributes={odd: ("integer", "bigint")[version - 1]},
            ),
            pg.Sequence(schema=SCHEMA, name=f"{odd} seq", increment=version, grants={}),
            pg.View(
                schema=SCHEMA,
                comment=f"{odd} {version}",
                name=f"{odd} view",
                definition=query,
                column_comments={odd: f"{odd} {version}"},
            ),
            pg.MaterializedView(
                schema=SCHEMA,
                comment=f"{odd} {version}",
                name=f"{odd} rows",
                definition=query,
                indexes={f"{odd} index": "unique (n)"},
            ),
        ],
    )


@pytest.mark.exhaustive
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_objects_with_odd_names_are_created_and_changed(lab: Lab, odd: str) -> None:
    revision = lab.there_and_back(declared(odd, 1), declared(odd, 2))
    assert "undecided" not in revision.upgrade
