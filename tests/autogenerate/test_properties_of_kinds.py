"""Random types, sequences and procedures become others, and come back."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from tests.autogenerate.lab import SCHEMA, Schema
from tests.autogenerate.test_properties import Part, parts, there_and_back, unhurried
from tests.autogenerate.test_types import Named
from townhall import pg
from townhall.pg import AlterableEntity, Entity

pytestmark = pytest.mark.filterwarnings("ignore:Did not recognize type")

USAGE = ((), ("public",), ("authenticated",), ("authenticated with grant option", "public"))


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    # A value that is added to an enum stays, so each enum has others; and no column has a type that
    # would have to be recreated.
    enums = [_enum(part) for part in draw(parts("Odd e"))]
    domains = [_domain(part) for part in draw(parts("Odd d"))]
    composites = [_composite(part, domains) for part in draw(parts("Odd c"))]
    ranges = [_range(part, domains) for part in draw(parts("Odd r"))]
    sequences = [_sequence(part) for part in draw(parts("Odd s"))]
    types = [*enums, *composites, *ranges, *domains]
    functions = [_function(part, types) for part in draw(parts("Odd f")) if types]
    procedures = [_procedure(part, types) for part in draw(parts("Odd p")) if types]
    metadata = sa.MetaData()
    for part in draw(parts("Odd t")):
        _add_table(metadata, part, domains, sequences)
    entities: list[Entity] = [*types, *sequences, *functions, *procedures]
    return Schema(metadata, draw(st.permutations(entities)))


def _enum(part: Part) -> pg.EnumType:
    return pg.EnumType(
        schema=SCHEMA,
        name=part.name,
        values=(f"it's {part.choice}", "always"),
        comment="100% :x" if part.flag else None,
        usage=USAGE[part.choice % 4],
    )


def _domain(part: Part) -> pg.Domain:
    return pg.Domain(
        schema=SCHEMA,
        name=part.name,
        base="integer",
        default=str(part.choice) if part.choice % 2 else None,
        is_nullable=part.flag,
        checks={f"Odd {part.choice % 2}": f"value in ({part.choice}, 7)"},
        comment=None if part.flag else "It's odd.",
    )


def _composite(part: Part, others: list[pg.Domain]) -> pg.CompositeType:
    attributes = {"a": "text" if part.flag else "bigint", "Odd b": "integer[]"}
    if others and part.choice > 2:
        attributes["c"] = _chosen(part, [*others])
    return pg.CompositeType(
        schema=SCHEMA,
        name=part.name,
        attributes=attributes,
        attribute_comments={"Odd b": f"It's {part.choice}."} if part.flag else {},
    )


def _range(part: Part, domains: list[pg.Domain]) -> pg.RangeType:
    subtype = "text" if part.flag else "time"
    if domains and part.choice > 3:
        subtype = "integer"
    return pg.RangeType(schema=SCHEMA, name=part.name, subtype=subtype)


def _sequence(part: Part) -> pg.Sequence:
    return pg.Sequence(
        schema=SCHEMA,
        name=part.name,
        type="integer" if part.flag else "bigint",
        start=part.choice + 1,
        increment=1 + part.choice % 2,
        grants={"authenticated": ("usage",)} if part.choice > 2 else {},
    )


def _function(part: Part, types: Sequence[AlterableEntity]) -> pg.Function:
    type_ = _chosen(part, types)
    return pg.Function(
        schema=SCHEMA,
        name=part.name,
        arguments={"position": type_ if part.flag else "integer"},
        returns=type_,
        body=f"select null::{type_}",
    )


def _procedure(part: Part, types: Sequence[AlterableEntity]) -> pg.Procedure:
    return pg.Procedure(
        schema=SCHEMA,
        name=part.name,
        arguments={"values": _chosen(part, types)},
        language="plpgsql",
        body=f"begin perform {part.choice}; end",
        execute=("authenticated",) if part.flag else (),
    )


def _add_table(
    metadata: sa.MetaData, part: Part, domains: list[pg.Domain], sequences: list[pg.Sequence]
) -> None:
    columns: list[sa.Column[object]] = []
    if domains:
        columns.append(sa.Column("d", Named(domains[part.choice % len(domains)].name)))
    if sequences and part.flag:
        name = sequences[part.choice % len(sequences)].literal_name
        columns.append(sa.Column("s", sa.BigInteger, server_default=sa.text(f"nextval('{name}')")))
    key = sa.Column("id", sa.Integer, primary_key=True, autoincrement=False)
    about = {"comment": f"It's {part.choice}."} if part.flag else {}
    index = sa.Index(f"{part.name} ix", "id", info=about)
    sa.Table(part.name, metadata, key, *columns, index, schema=SCHEMA)


def _chosen(part: Part, types: Sequence[AlterableEntity]) -> str:
    return types[part.choice % len(types)].literal_name


@pytest.mark.thorough
@settings(unhurried, max_examples=10, derandomize=True)
@given(old=schemas(), new=schemas())
def test_any_kinds_become_any_others_and_come_back(
    townhall_shared_engine: Engine, old: Schema, new: Schema
) -> None:
    there_and_back(townhall_shared_engine, old, new)


@pytest.mark.exhaustive
@settings(unhurried, max_examples=200)
@given(old=schemas(), new=schemas())
def test_very_many_kinds_become_others_and_come_back(
    townhall_shared_engine: Engine, old: Schema, new: Schema
) -> None:
    there_and_back(townhall_shared_engine, old, new)
