"""A type whose columns go is created again, and what is new in the run has it as declared."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import DOMAIN, ENUM

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from townhall import pg
from townhall.pg import ColumnType, Entity

pytestmark = pytest.mark.thorough  # each generates revisions and runs them

FORMER, NEW = ("happy", "sad"), ("happy",)


def mood(values: tuple[str, ...], default: str | None = None) -> sa.Column[str]:
    return sa.Column("mood", ENUM(*values, name="mood", schema=SCHEMA), server_default=default)


def moods(values: tuple[str, ...]) -> sa.ARRAY[str]:
    return sa.ARRAY(ENUM(*values, name="mood", schema=SCHEMA))


def declared(*entities: Entity, **tables: Sequence[sa.schema.SchemaItem]) -> Schema:
    metadata = sa.MetaData()
    for name, parts in tables.items():
        key = sa.Column("id", sa.Integer, primary_key=True)
        sa.Table(name, metadata, key, *parts, schema=SCHEMA)
    return Schema(metadata, entities)


def text() -> sa.Column[str]:
    return sa.Column("text", sa.Text)


ENUM_OF_NONE = pg.EnumType(schema=SCHEMA, name="mood", values=NEW)
RETURNS_IT = pg.Function(
    schema=SCHEMA,
    name="same",
    arguments={"given": "lab.mood"},
    returns="lab.mood",
    body="select given",
)
COMPOSITE = pg.CompositeType(schema=SCHEMA, name="felt", attributes={"mood": "lab.mood"})
VIEW = pg.View(schema=SCHEMA, name="seen", definition="select mood from lab.new")

GOING = declared(former=[mood(FORMER)], kept=[text()])
ENUMS: dict[str, Schema] = {
    "a new table": declared(former=[], kept=[text()], new=[mood(NEW)]),
    "a new column": declared(former=[], kept=[text(), mood(NEW)]),
    "a new table in place of one that goes": declared(kept=[text()], new=[mood(NEW)]),
    "its values in another order": declared(former=[], kept=[text()], new=[mood(FORMER[::-1])]),
    "a former column that is text": declared(
        former=[sa.Column("mood", sa.Text)], kept=[text()], new=[mood(NEW)]
    ),
    "a column that was text": declared(
        former=[], kept=[sa.Column("text", ENUM(*NEW, name="mood", schema=SCHEMA))]
    ),
    "a default, a check and an index": declared(
        former=[],
        kept=[text()],
        new=[
            mood(NEW, "happy"),
            sa.CheckConstraint("mood <> 'happy'", name="sad"),
            sa.Index("by_mood", "mood"),
        ],
    ),
    "an array": declared(former=[], kept=[text()], new=[sa.Column("moods", moods(NEW))]),
    "a new domain": declared(
        former=[],
        kept=[text()],
        new=[sa.Column("d", DOMAIN("d", ENUM(*NEW, name="mood", schema=SCHEMA), schema=SCHEMA))],
    ),
    "a new composite type": declared(ENUM_OF_NONE, COMPOSITE, former=[], kept=[text()]),
    "a new function": declared(ENUM_OF_NONE, RETURNS_IT, former=[], kept=[text()]),
    "a new table and a function": declared(RETURNS_IT, former=[], kept=[text()], new=[mood(NEW)]),
    "a new table and a view": declared(VIEW, former=[], kept=[text()], new=[mood(NEW)]),
}


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("new", ENUMS.values(), ids=ENUMS)
def test_enum_whose_columns_go_loses_a_value_that_new_uses_do_not_have(
    lab: Lab, new: Schema, *, live: bool
) -> None:
    lab.live = live
    revision = lab.there_and_back(GOING, new)
    assert "undecided" not in revision.upgrade + revision.downgrade


def of_type(name: str) -> sa.Column[object]:
    return sa.Column("value", ColumnType(f"lab.{name}"))


OTHERS: dict[str, tuple[Entity, Entity]] = {
    "composite": (
        pg.CompositeType(schema=SCHEMA, name="t", attributes={"a": "integer"}),
        pg.CompositeType(schema=SCHEMA, name="t", attributes={"a": "text"}),
    ),
    "domain": (
        pg.Domain(schema=SCHEMA, name="t", base="integer"),
        pg.Domain(schema=SCHEMA, name="t", base="text"),
    ),
    "range": (
        pg.RangeType(schema=SCHEMA, name="t", subtype="integer"),
        pg.RangeType(schema=SCHEMA, name="t", subtype="bigint"),
    ),
}


@pytest.mark.parametrize(("old", "new"), OTHERS.values(), ids=OTHERS)
def test_type_whose_columns_go_is_another_one_in_a_new_table(
    lab: Lab, old: Entity, new: Entity
) -> None:
    revision = lab.there_and_back(
        declared(old, former=[of_type("t")]), declared(new, former=[], new=[of_type("t")])
    )
    assert "undecided" not in revision.upgrade + revision.downgrade


def test_class_and_family_of_operators_come_back_with_a_type_that_is_created_again(
    lab: Lab,
) -> None:
    lab.migrate(GOING)
    for statement in (
        """
        create operator class lab.equal for type lab.mood using hash as
            operator 1 = (anyenum, anyenum), function 1 (lab.mood, lab.mood) hashenum(anyenum)
        """,
        "create operator family lab.more using hash",
        """
        alter operator family lab.more using hash add
            function 1 (lab.mood, lab.mood) hashenum(anyenum)
        """,
    ):
        lab.connection.exec_driver_sql(statement)
    lab.there_and_back(GOING, ENUMS["a new table"])
    members = "select count(*) from pg_amproc where amproclefttype = to_regtype('lab.mood')"
    assert lab.connection.exec_driver_sql(members).scalar_one() == 2
