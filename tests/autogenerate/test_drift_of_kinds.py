"""Every manual change of a type, a sequence or a procedure is reported and repaired."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from tests.autogenerate.drifts import Drift
from tests.autogenerate.lab import SCHEMA, Lab, Schema
from townhall import pg
from townhall.pg import Entity, catalog

MOOD = sa.Enum("good", "it's bad", name="Odd mood", schema=SCHEMA)
NUMBERS = pg.Sequence(
    schema=SCHEMA,
    name="Odd numbers",
    start=100,
    grants={"authenticated": ("usage",)},
    comment="Numbers.",
)
ENTITIES: list[Entity] = [
    pg.EnumType.of(MOOD, comment="How it's going."),
    pg.EnumType(schema=SCHEMA, name="unused", values=("a", "b")),
    pg.Domain(
        schema=SCHEMA,
        name="Odd percent",
        base="integer",
        default="0",
        is_nullable=False,
        checks={"In range": "value between 0 and 100"},
    ),
    pg.CompositeType(
        schema=SCHEMA,
        name="Odd address",
        attributes={"street": "text", "Number": "integer"},
        attribute_comments={"Number": "Of the house."},
    ),
    pg.RangeType(schema=SCHEMA, name="Odd period", subtype="time", usage=("authenticated",)),
    NUMBERS,
    replace(NUMBERS, name="others", grants=None),
    pg.Procedure(
        schema=SCHEMA,
        name="Odd archive",
        arguments={"position": "integer"},
        language="plpgsql",
        body="begin perform position; end",
        execute=("authenticated",),
        comment="It's odd.",
    ),
]
PROCEDURE = 'lab."Odd archive"(integer)'


def declared() -> Schema:
    metadata = sa.MetaData()
    key = sa.Column("id", sa.Integer, primary_key=True)
    sa.Table("things", metadata, key, sa.Column("mood", MOOD), schema=SCHEMA)
    return Schema(metadata, ENTITIES)


DRIFTS = (
    Drift("an enum is dropped", "drop type lab.unused", ("create_enum", "unused")),
    Drift("an enum is added", "create type lab.size as enum ('s')", ("drop_enum", "size")),
    Drift("an enum is renamed", "alter type lab.unused rename to x", ("create_enum", "drop_enum")),
    Drift("an enum has one more value", "alter type lab.unused add value 'c'", ("enum", "unused")),
    Drift("a value has another name", "alter type lab.unused rename value 'a' to 'c'", ("unused",)),
    Drift("an enum loses its comment", 'comment on type lab."Odd mood" is null', ("alter_enum",)),
    Drift("an enum may not be used", 'revoke usage on type lab."Odd mood" from public', ("usage",)),
    Drift(
        "an enum may be passed on",
        'grant usage on type lab."Odd mood" to authenticated with grant option',
        ("alter_enum", "usage"),
    ),
    Drift("a domain is dropped", 'drop domain lab."Odd percent"', ("create_domain",)),
    Drift("a domain is added", "create domain lab.size as text", ("drop_domain", "size")),
    Drift(
        "a domain is renamed",
        'alter domain lab."Odd percent" rename to percent',
        ("create_domain", "drop_domain"),
    ),
    Drift(
        "a domain has another base",
        'drop domain lab."Odd percent"; create domain lab."Odd percent" as text',
        ("drop_domain", "create_domain"),
    ),
    Drift(
        "a domain has another default",
        'alter domain lab."Odd percent" set default 1',
        ("alter_domain", "default"),
    ),
    Drift(
        "a domain accepts NULL",
        'alter domain lab."Odd percent" drop not null',
        ("alter_domain", "is_nullable"),
    ),
    Drift(
        "a domain loses its check",
        'alter domain lab."Odd percent" drop constraint "In range"',
        ("alter_domain", "checks"),
    ),
    Drift(
        "a domain has one more check",
        'alter domain lab."Odd percent" add constraint more check (value <> 7)',
        ("alter_domain", "checks"),
    ),
    Drift(
        "a check of a domain is renamed",
        'alter domain lab."Odd percent" rename constraint "In range" to other',
        ("alter_domain", "checks"),
    ),
    Drift(
        "a domain is commented",
        "comment on domain lab.\"Odd percent\" is 'x'",
        ("alter_domain", "comment"),
    ),
    Drift("a composite type is dropped", 'drop type lab."Odd address"', ("create_composite_type",)),
    Drift("a composite type is added", "create type lab.pair as (a int)", ("pair",)),
    Drift(
        "an attribute is added",
        'alter type lab."Odd address" add attribute city text',
        ("alter_composite_type", "attributes"),
    ),
    Drift(
        "an attribute is dropped",
        'alter type lab."Odd address" drop attribute "Number"',
        ("alter_composite_type", "attributes"),
    ),
    Drift(
        "an attribute has another type",
        'alter type lab."Odd address" alter attribute street type varchar(9)',
        ("alter_composite_type", "attributes"),
    ),
    Drift(
        "an attribute is renamed",
        'alter type lab."Odd address" rename attribute street to road',
        ("composite_type", "Odd address"),
    ),
    Drift(
        "an attribute loses its comment",
        'comment on column lab."Odd address"."Number" is null',
        ("alter_composite_type", "attribute_comments"),
    ),
    Drift("a range type is dropped", 'drop type lab."Odd period"', ("create_range_type",)),
    Drift("a range type is added", "create type lab.texts as range (subtype = text)", ("texts",)),
    Drift(
        "a range type has another subtype",
        'drop type lab."Odd period"; create type lab."Odd period" as range (subtype = date)',
        ("drop_range_type", "create_range_type"),
    ),
    Drift(
        "a multirange type is renamed",
        'alter type lab."Odd period_multirange" rename to other',
        ("alter_range_type", "multirange"),
    ),
    Drift(
        "a range type may be used by every role",
        'grant usage on type lab."Odd period" to public',
        ("alter_range_type", "usage"),
    ),
    Drift("a sequence is dropped", "drop sequence lab.others", ("create_sequence", "others")),
    Drift("a sequence is added", "create sequence lab.more", ("drop_sequence", "more")),
    Drift(
        "a sequence has other numbers",
        'alter sequence lab."Odd numbers" as integer increment 2 maxvalue 500 cache 3 cycle',
        ("alter_sequence", "increment"),
    ),
    Drift(
        "a sequence starts elsewhere",
        'alter sequence lab."Odd numbers" start 7',
        ("alter_sequence", "start"),
    ),
    Drift(
        "a sequence is owned",
        'alter sequence lab."Odd numbers" owned by lab.things.id',
        ("alter_sequence", "owned_by"),
    ),
    Drift(
        "a sequence may be set back",
        'grant update on sequence lab."Odd numbers" to authenticated',
        ("alter_sequence", "grants"),
    ),
    Drift(
        "a sequence may not be used",
        'revoke all on sequence lab."Odd numbers" from authenticated',
        ("alter_sequence", "grants"),
    ),
    Drift(
        "a sequence loses its comment",
        'comment on sequence lab."Odd numbers" is null',
        ("alter_sequence", "comment"),
    ),
    Drift("a procedure is dropped", f"drop procedure {PROCEDURE}", ("create_procedure",)),
    Drift(
        "a procedure is added",
        "create procedure lab.wipe() language sql as 'select'",
        ("drop_procedure", "wipe"),
    ),
    Drift(
        "a procedure does something else",
        """
        create or replace procedure lab."Odd archive"("position" integer) language plpgsql
        as 'begin null; end'
        """,
        ("replace_procedure",),
    ),
    Drift(
        "a procedure runs as its owner",
        f"alter procedure {PROCEDURE} security definer",
        ("replace_procedure",),
    ),
    Drift(
        "a procedure has a setting",
        f"alter procedure {PROCEDURE} set work_mem = '64MB'",
        ("replace_procedure",),
    ),
    Drift(
        "a procedure may be called by every role",
        f"grant execute on procedure {PROCEDURE} to public",
        ("replace_procedure",),
    ),
    Drift(
        "a procedure may not be called",
        f"revoke execute on procedure {PROCEDURE} from authenticated",
        ("replace_procedure",),
    ),
    Drift(
        "a procedure loses its comment",
        f"comment on procedure {PROCEDURE} is null",
        ("replace_procedure",),
    ),
)


EVERY_DRIFT = [
    # All of them take minutes; every run tries some of each kind.
    pytest.param(drift, id=drift.name, marks=() if number % 4 == 0 else pytest.mark.exhaustive)
    for number, drift in enumerate(DRIFTS)
]


@pytest.mark.parametrize("drift", EVERY_DRIFT)
def test_manual_change_is_reported_and_repaired(lab: Lab, drift: Drift) -> None:
    lab.migrate(declared())
    before = catalog.read_everything(lab.connection, [SCHEMA])
    lab.connection.exec_driver_sql(drift.sql)
    reported = "\n".join(lab.differences(declared()))
    for part in drift.named:
        assert part in reported
    lab.migrate(declared())
    assert catalog.read_everything(lab.connection, [SCHEMA]) == before


def test_value_added_by_hand_to_an_enum_of_a_column_is_reported(lab: Lab) -> None:
    lab.migrate(declared())
    lab.connection.exec_driver_sql("alter type lab.\"Odd mood\" add value 'so so'")
    (difference,) = lab.differences(declared())
    assert "undecided" in difference
    assert "so so" in difference
