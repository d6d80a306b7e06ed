"""A type that PostgreSQL can't alter is created again with the types that have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
import sqlalchemy as sa

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from townhall import pg
from townhall.pg import Entity

TABLE = f"{SCHEMA}.things"
CHECKS = {"c": "value <> 'b'::lab.t"}
AB, BA = (
    pg.EnumType(schema=SCHEMA, name="t", values=values) for values in (("a", "b"), ("b", "a"))
)


def declared(*entities: Entity, partition_by: str | None = None) -> Schema:
    metadata = sa.MetaData()
    column = sa.Column("id", sa.Integer, primary_key=partition_by is None)
    sa.Table("things", metadata, column, schema=SCHEMA, postgresql_partition_by=partition_by)
    return Schema(metadata, entities)


def chain(attributes: Mapping[str, str], checks: Mapping[str, str]) -> Sequence[Entity]:
    """Return types of types, and what uses the last of them."""
    return [
        pg.Domain(
            schema=SCHEMA,
            name="o",
            base="lab.t",
            default="'a'::lab.t",
            checks=checks,
            comment="one of them",
        ),
        pg.CompositeType(
            schema=SCHEMA, name="p", attributes=attributes, attribute_comments={"a": "many"}
        ),
        pg.RangeType(schema=SCHEMA, name="r", subtype="lab.o"),
        pg.Domain(schema=SCHEMA, name="n", base="lab.p"),
        pg.Function(
            schema=SCHEMA,
            name="f",
            arguments={"x": "lab.n", "y": "lab.r"},
            returns="lab.p",
            volatility="immutable",
            body="select x::lab.p",
        ),
        pg.View(
            schema=SCHEMA,
            name="v",
            definition=f"select lab.f(null, null) as y, 'a'::lab.t as z from {TABLE}",
        ),
        pg.Policy(
            schema=SCHEMA,
            table="things",
            name="p",
            command="select",
            roles=("public",),
            using="(lab.f(null, null)).b is null",
        ),
        pg.TableAccess(schema=SCHEMA, table="things"),
    ]


BEFORE = chain({"a": "lab.o[]", "b": "integer"}, CHECKS)
OTHERWISE = chain(
    {"b": "integer", "a": "lab.o[]"}, {"c": "value <> 'a'::lab.t", "d": "value is not null"}
)
IS_B, IS_C = (
    pg.Function(
        schema=SCHEMA,
        name="f",
        arguments={"x": "lab.t"},
        returns="boolean",
        volatility="immutable",
        body=f"select x::text = '{value}'",
    )
    for value in ("b", "c")
)
BY_FUNCTION = [
    pg.Domain(schema=SCHEMA, name="o", base="lab.t", checks={"c": "lab.f(value)"}),
    pg.CompositeType(schema=SCHEMA, name="p", attributes={"a": "lab.o"}),
]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(BEFORE, BEFORE, marks=pytest.mark.exhaustive, id="stay"),
        pytest.param(BEFORE, OTHERWISE, marks=pytest.mark.thorough, id="change as well"),
        pytest.param(BEFORE, OTHERWISE[:1], marks=pytest.mark.exhaustive, id="go"),
        pytest.param(
            BEFORE[::-1], BEFORE[::-1], marks=pytest.mark.exhaustive, id="declared last first"
        ),
        pytest.param(
            [*BY_FUNCTION, IS_B],
            [*BY_FUNCTION, IS_B],
            marks=pytest.mark.exhaustive,
            id="check by a function",
        ),
        pytest.param(
            [*BY_FUNCTION, IS_B],
            [*BY_FUNCTION, IS_C],
            marks=pytest.mark.exhaustive,
            id="check by a function that changes",
        ),
    ],
)
def test_type_is_created_again_with_the_types_that_have_it(
    lab: Lab, old: Sequence[Entity], new: Sequence[Entity]
) -> None:
    revision = lab.there_and_back(declared(AB, *old), declared(BA, *new))
    assert "undecided" not in revision.upgrade


def test_type_of_a_domain_that_is_not_compared_is_left_to_the_author(lab: Lab) -> None:
    lab.migrate(declared(AB))
    lab.connection.exec_driver_sql("create schema elsewhere")
    lab.connection.exec_driver_sql("create domain elsewhere.o as lab.t")
    (revision,) = lab.revisions(declared(BA))
    assert "undecided" in revision.upgrade
    assert lab.connection.scalar(sa.text("select to_regtype('elsewhere.o') is not null"))


def test_type_by_which_a_table_is_partitioned_is_left_to_the_author(lab: Lab) -> None:
    old, new = (
        declared(pg.Domain(schema=SCHEMA, name="t", base=base), partition_by="list ((id::lab.t))")
        for base in ("integer", "bigint")
    )
    lab.migrate(old, times=1)
    (revision,) = lab.revisions(new)
    assert "undecided" in revision.upgrade
    assert "drop_table" not in revision.upgrade
