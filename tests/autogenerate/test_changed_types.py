"""What comes, goes or stays in the run that changes the type which it uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
import sqlalchemy as sa

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from townhall import pg
from townhall.pg import AlterableEntity, ColumnType, Entity

pytestmark = pytest.mark.filterwarnings("ignore:Did not recognize type")


@dataclass(frozen=True)
class Change:
    """A change of a type.

    Attributes:
        old: The type before.
        new: The type after.
        value: A value of both in SQL.
    """

    old: AlterableEntity
    new: AlterableEntity
    value: str


def enum(*values: str) -> pg.EnumType:
    return pg.EnumType(schema=SCHEMA, name="t", values=values)


def composite(**attributes: str) -> pg.CompositeType:
    return pg.CompositeType(schema=SCHEMA, name="t", attributes=attributes)


def domain(base: str, **checks: str) -> pg.Domain:
    return pg.Domain(schema=SCHEMA, name="t", base=base, checks=checks)


CHANGES: Mapping[str, Change] = {
    "value removed": Change(enum("a", "b"), enum("a"), "'a'::lab.t"),
    "attribute added": Change(
        composite(x="integer"), composite(x="integer", y="text"), "null::lab.t"
    ),
    "type of an attribute": Change(composite(x="integer"), composite(x="bigint"), "null::lab.t"),
    "order of attributes": Change(
        composite(x="integer", y="text"), composite(y="text", x="integer"), "null::lab.t"
    ),
    "subtype": Change(
        pg.RangeType(schema=SCHEMA, name="t", subtype="integer"),
        pg.RangeType(schema=SCHEMA, name="t", subtype="bigint"),
        "lab.t(1, 2)",
    ),
    "base": Change(domain("integer"), domain("bigint"), "1::lab.t"),
    "check": Change(
        domain("integer", c="value > 0"), domain("integer", c="value >= 0"), "1::lab.t"
    ),
}


@dataclass(frozen=True)
class Use:
    """What uses the type.

    Attributes:
        parts: Parts of the table.
        entities: Entities.
        has_column: Whether a column of the table has values of the type.
    """

    parts: Sequence[sa.schema.SchemaItem] = ()
    entities: Sequence[Entity] = ()
    has_column: bool = False


STAMP = pg.Function(schema=SCHEMA, name="stamp", language="plpgsql", body="begin return new; end")
TAKES = pg.Function(
    schema=SCHEMA,
    name="takes",
    arguments={"given": "lab.t"},
    returns="boolean",
    volatility="immutable",
    body="select given is not distinct from given",
)


def function(returns: str, body: str, *, language: str = "sql", **arguments: str) -> pg.Function:
    return pg.Function(
        schema=SCHEMA,
        name="f",
        arguments=arguments,
        returns=returns,
        language=language,
        body=body,
    )


def policy(using: str) -> pg.Policy:
    return pg.Policy(
        schema=SCHEMA, table="things", name="p", command="select", roles=("public",), using=using
    )


def view(expression: str) -> pg.View:
    return pg.View(schema=SCHEMA, name="v", definition=f"select {expression} as x from lab.things")


def uses(value: str) -> Mapping[str, Use]:
    # True for each row, also where the value is null.
    condition, call = f"({value} is not distinct from {value})", f"lab.takes({value})"
    column = ColumnType("lab.t")
    computed = sa.Computed(condition, persisted=True)
    return {
        "nothing": Use(),
        "argument": Use(entities=[TAKES]),
        "argument of an array": Use(entities=[function("boolean", "select true", p="lab.t[]")]),
        "default of an argument": Use(
            entities=[function("boolean", "select p", p=f"boolean default {condition}")]
        ),
        "result": Use(entities=[function("lab.t", f"select {value}")]),
        "column of a result": Use(entities=[function("table(a lab.t)", f"select {value}")]),
        "variable": Use(
            entities=[
                function("boolean", "declare x lab.t; begin return true; end", language="plpgsql")
            ]
        ),
        "standard body": Use(
            entities=[function("boolean", f"begin atomic select {condition}; end")]
        ),
        "procedure": Use(
            entities=[
                pg.Procedure(
                    schema=SCHEMA,
                    name="f",
                    arguments={"p": "lab.t"},
                    language="plpgsql",
                    body="begin end",
                )
            ]
        ),
        "policy": Use(entities=[policy(condition)]),
        "policy by a function": Use(entities=[TAKES, policy(call)]),
        "trigger": Use(
            entities=[
                STAMP,
                pg.Trigger(
                    schema=SCHEMA,
                    table="things",
                    name="stamps",
                    timing="before",
                    events=("insert",),
                    condition=condition,
                    function=STAMP,
                ),
            ]
        ),
        "view": Use(entities=[view(value)]),
        "view of a function": Use(entities=[TAKES, view(call)]),
        "materialized view": Use(
            entities=[
                pg.MaterializedView(
                    schema=SCHEMA, name="v", definition=f"select {value} as x from lab.things"
                )
            ],
        ),
        "check": Use([sa.CheckConstraint(condition, name="c")]),
        "check by a function": Use([sa.CheckConstraint(call, name="c")], [TAKES]),
        "index": Use([sa.Index("i", sa.text(condition))]),
        "index by a function": Use([sa.Index("i", sa.text(call))], [TAKES]),
        "default": Use([sa.Column("d", sa.Boolean, server_default=sa.text(condition))]),
        "generated column": Use([sa.Column("d", sa.Boolean, computed)]),
        "column": Use([sa.Column("d", column)], has_column=True),
        "column with a default": Use(
            [sa.Column("d", column, server_default=sa.text(value))], has_column=True
        ),
        "column of an array": Use([sa.Column("d", ColumnType("lab.t[]"))], has_column=True),
        "domain": Use(entities=[pg.Domain(schema=SCHEMA, name="o", base="lab.t")]),
        "check of a domain": Use(
            entities=[
                pg.Domain(
                    schema=SCHEMA,
                    name="o",
                    base="integer",
                    checks={"c": f"value > 0 and {condition}"},
                )
            ],
        ),
        "attribute": Use(
            entities=[pg.CompositeType(schema=SCHEMA, name="o", attributes={"z": "lab.t"})],
        ),
    }


def declared(type_: AlterableEntity, value: str, *chosen: str) -> Schema:
    metadata = sa.MetaData()
    every = [uses(value)[use] for use in chosen]
    key = sa.Column("id", sa.Integer, primary_key=True)
    parts = [part for use in every for part in use.parts]
    sa.Table("things", metadata, key, *parts, schema=SCHEMA)
    access = pg.TableAccess(schema=SCHEMA, table="things")
    return Schema(metadata, [access, type_, *(each for use in every for each in use.entities)])


USES = [*uses("")][1:]
THOROUGH = {
    ("value removed", ("check", "nothing")),
    ("type of an attribute", ("view", "view")),  # which 15 refuses while the view is there
    ("subtype", ("check", "nothing")),  # which goes with the type in the comparison
    ("base", ("index", "nothing")),
}


def marked() -> Sequence[Any]:
    comes_and_goes = [pair for use in USES for pair in (("nothing", use), (use, "nothing"))]
    stays = [(use, use) for use in USES if not uses("")[use].has_column]
    return [
        pytest.param(
            *each, marks=pytest.mark.thorough if each in THOROUGH else pytest.mark.exhaustive
        )
        for each in product(CHANGES, [*comes_and_goes, *stays])
    ]


@pytest.mark.parametrize(("change", "use"), marked(), ids=str)
def test_type_changes_in_the_run_in_which_what_uses_it_comes_and_goes(
    lab: Lab, change: str, use: tuple[str, str]
) -> None:
    old, new = use
    chosen = CHANGES[change]
    revision = lab.there_and_back(
        declared(chosen.old, chosen.value, old), declared(chosen.new, chosen.value, new)
    )
    assert "undecided" not in revision.upgrade


@pytest.mark.exhaustive
@pytest.mark.parametrize("change", ["attribute added", "type of an attribute"])
@pytest.mark.parametrize(
    "use",
    [
        *("check", "check by a function", "check of a domain", "default"),
        *("generated column", "index", "index by a function"),
    ],
)
def test_attributes_change_while_an_expression_stays_that_has_the_type(
    lab: Lab, change: str, use: str
) -> None:
    chosen = CHANGES[change]
    old, new = (declared(each, chosen.value, use) for each in (chosen.old, chosen.new))
    revision = lab.there_and_back(old, new)
    assert "undecided" not in revision.upgrade


def test_attribute_changes_while_a_policy_stays_and_a_function_goes(lab: Lab) -> None:
    # Before 16 PostgreSQL refuses that while the policy is there.
    chosen = CHANGES["type of an attribute"]
    revision = lab.there_and_back(
        declared(chosen.old, chosen.value, "policy", "standard body"),
        declared(chosen.new, chosen.value, "policy"),
    )
    assert "undecided" not in revision.upgrade


def with_column(table: str, type_: sa.types.TypeEngine[Any], mood: pg.EnumType) -> Schema:
    metadata = sa.MetaData()
    key = sa.Column("id", sa.Integer, primary_key=True)
    sa.Table(table, metadata, key, sa.Column("d", type_), schema=SCHEMA)
    return Schema(metadata, [mood])


@pytest.mark.thorough
@pytest.mark.parametrize(
    "table",
    [
        "things",  # and the name of the type is in that of the new one
        pytest.param("others", marks=pytest.mark.exhaustive),
    ],
)
def test_type_changes_in_the_run_in_which_its_column_becomes_text_or_goes_with_its_table(
    lab: Lab, table: str
) -> None:
    lab.there_and_back(
        with_column("things", ColumnType("lab.t"), enum("a", "b")),
        with_column(table, sa.Text(), enum("a")),
    )


def generated(type_: AlterableEntity, column: sa.types.TypeEngine[Any], expression: str) -> Schema:
    metadata = sa.MetaData()
    key = sa.Column("id", sa.Integer, primary_key=True)
    computed = sa.Computed(expression, persisted=True)
    sa.Table("things", metadata, key, sa.Column("d", column, computed), schema=SCHEMA)
    return Schema(metadata, [type_, view("d")])


@pytest.mark.parametrize(
    ("old", "expression", "new"),
    [
        pytest.param(
            enum("a", "b"),
            "case when id > 0 then 'a'::lab.t end",
            enum("a"),
            marks=pytest.mark.exhaustive,
            id="enum",
        ),
        pytest.param(
            composite(x="integer", y="integer"),
            "row(id, id)::lab.t",
            composite(y="integer"),
            marks=pytest.mark.thorough,
            id="attribute before others",
        ),
    ],
)
def test_type_changes_in_the_run_in_which_its_column_is_generated_otherwise(
    lab: Lab, old: AlterableEntity, expression: str, new: AlterableEntity
) -> None:
    lab.there_and_back(
        generated(old, ColumnType("lab.t"), expression), generated(new, sa.Integer(), "id + 1")
    )
