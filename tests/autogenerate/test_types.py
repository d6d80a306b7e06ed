"""Types and sequences are created before the tables, altered, and dropped after them."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.util import CommandError
from sqlalchemy.dialects.postgresql import DOMAIN, ENUM
from sqlalchemy.types import UserDefinedType

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from townhall import pg
from townhall.migrate.operations.decisions import UndecidedOp
from townhall.migrate.savepoints import run_script
from townhall.pg import AlterableEntity

# SQLAlchemy knows none of these types when it reflects a table.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Did not recognize type"),
    pytest.mark.thorough,  # each generates revisions and runs them
]


class Named(UserDefinedType[object]):
    """A type of the lab by its name."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **kw: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
        del kw
        return f'{SCHEMA}."{self.name}"'


def using(*types: str, default: str | None = None) -> sa.MetaData:
    metadata = sa.MetaData()
    columns = [
        sa.Column(f"c{number}", Named(name), server_default=default and sa.text(default))
        for number, name in enumerate(types)
    ]
    sa.Table(
        "things", metadata, sa.Column("id", sa.Integer, primary_key=True), *columns, schema=SCHEMA
    )
    return metadata


MOOD = pg.EnumType(schema=SCHEMA, name="Odd mood", values=("good", "bad"), comment="It's odd.")
PERCENT = pg.Domain(
    schema=SCHEMA,
    name="Odd percent",
    base="integer",
    default="0",
    is_nullable=False,
    checks={"In range": "value between 0 and 100"},
)
ADDRESS = pg.CompositeType(
    schema=SCHEMA,
    name="Odd address",
    attributes={"Street": "text", "mood": 'lab."Odd mood"'},
)
PERIOD = pg.RangeType(schema=SCHEMA, name="Odd period", subtype="time")
NUMBERS = pg.Sequence(schema=SCHEMA, name="Odd numbers", start=100, comment="Numbers.")
TYPES: list[AlterableEntity] = [MOOD, PERCENT, ADDRESS, PERIOD]
EVERY: list[AlterableEntity] = [*TYPES, NUMBERS]


@pytest.mark.parametrize("entity", EVERY, ids=lambda entity: entity.kind)
def test_object_of_each_kind_is_created_dropped_and_recreated(
    lab: Lab, entity: AlterableEntity
) -> None:
    needed = [MOOD] if entity is ADDRESS else []
    lab.there_and_back(Schema(entities=needed), Schema(entities=[*needed, entity]))
    revision = lab.there_and_back(Schema(entities=[*needed, entity]), Schema(entities=needed))
    assert f"pg.{type(entity).__name__}.named(" in revision.upgrade


@pytest.mark.exhaustive
def test_types_are_created_before_the_table_that_has_them_and_dropped_after_it(lab: Lab) -> None:
    names = [entity.name for entity in TYPES]
    declared = Schema(using(*names), EVERY)
    lab.there_and_back(Schema(), declared)
    lab.there_and_back(declared, Schema())
    lab.there_and_back(Schema(using(), [NUMBERS]), declared)


def test_types_are_created_in_an_order_that_works(lab: Lab) -> None:
    is_odd = pg.Function(
        schema=SCHEMA,
        name="is odd",
        arguments={"number": "integer"},
        returns="boolean",
        body="select number % 2 = 1",
        volatility="immutable",
    )
    odd = pg.Domain(schema=SCHEMA, name="odd", base="int", checks={"odd": 'lab."is odd"(value)'})
    list_of = pg.Domain(schema=SCHEMA, name="list", base='lab."Odd address"[]')
    lab.there_and_back(Schema(), Schema(using("odd", "list"), [list_of, odd, *EVERY, is_odd]))


ALTERED: dict[str, tuple[AlterableEntity, AlterableEntity]] = {
    "a comment": (MOOD, replace(MOOD, comment=None)),
    "usage": (MOOD, replace(MOOD, usage=("authenticated",))),
    "no usage": (PERIOD, replace(PERIOD, usage=())),
    "a default": (PERCENT, replace(PERCENT, default="1")),
    "no default": (PERCENT, replace(PERCENT, default=None)),
    "null": (PERCENT, replace(PERCENT, is_nullable=True)),
    "a check": (PERCENT, replace(PERCENT, checks={"In range": "value > 0"})),
    "more checks": (PERCENT, replace(PERCENT, checks={"a": "value > 0", "b": "value < 9"})),
    "a check that is not valid": (
        PERCENT,
        replace(PERCENT, checks={"In range": "value between 0 and 100 not valid"}),
    ),
    "an attribute": (ADDRESS, replace(ADDRESS, attributes={**ADDRESS.attributes, "City": "text"})),
    "no attribute": (ADDRESS, replace(ADDRESS, attributes={"Street": "text"})),
    "a comment on an attribute": (ADDRESS, replace(ADDRESS, attribute_comments={"Street": "It's"})),
    "the name of a multirange": (
        replace(PERIOD, multirange="Odd periods"),
        replace(PERIOD, multirange="others"),
    ),
    "numbers": (
        NUMBERS,
        replace(NUMBERS, type="integer", increment=2, minimum=-1, maximum=500, cache=2, cycle=True),
    ),
    "direction": (replace(NUMBERS, start=None), replace(NUMBERS, start=None, increment=-1)),
    "the lowest number of the type": (
        replace(NUMBERS, type="integer", start=5, minimum=-(2**31)),
        replace(NUMBERS, type="integer", start=5),
    ),
    "an owner": (NUMBERS, replace(NUMBERS, owned_by=("things", "id"))),
    "privileges": (
        replace(NUMBERS, grants={}),
        replace(NUMBERS, grants={"authenticated": ("usage", "select")}),
    ),
}


@pytest.mark.parametrize(("old", "new"), ALTERED.values(), ids=ALTERED)
def test_kind_that_columns_use_is_altered_both_ways(
    lab: Lab, old: AlterableEntity, new: AlterableEntity
) -> None:
    others = [entity for entity in EVERY if entity.key != old.key]
    used = using(*(entity.name for entity in TYPES))
    revision = lab.there_and_back(Schema(used, [*others, old]), Schema(used, [*others, new]))
    for code in (revision.upgrade, revision.downgrade):
        assert "pg.execute(" in code
        assert "entity(" not in code


def test_added_value_of_an_enum_stays_on_the_way_back(lab: Lab) -> None:
    longer = replace(MOOD, values=("best", "good", "it's", "bad", "100% :x"))
    lab.migrate(Schema(entities=[MOOD]))
    revision = lab.migrate(Schema(entities=[longer]))
    lab.run(revision.downgrade)
    assert lab.differences(Schema(entities=[longer])) == []
    assert "can't remove values of an enum" in revision.downgrade


RECREATED: dict[str, tuple[AlterableEntity, AlterableEntity]] = {
    "an enum without a value": (MOOD, replace(MOOD, values=("bad",))),
    "a domain of another base": (PERCENT, replace(PERCENT, base="bigint")),
    "attributes in another order": (
        replace(ADDRESS, attributes={"a": "text", "b": "text"}),
        replace(ADDRESS, attributes={"b": "text", "a": "text"}),
    ),
    "a range of another subtype": (PERIOD, replace(PERIOD, subtype="text")),
    "a range of another operator class": (
        replace(PERIOD, subtype="text"),
        replace(PERIOD, subtype="text", operator_class="pg_catalog.text_pattern_ops"),
    ),
}


@pytest.mark.parametrize(("old", "new"), RECREATED.values(), ids=RECREATED)
def test_type_that_no_column_uses_is_recreated_with_its_functions(
    lab: Lab, old: AlterableEntity, new: AlterableEntity
) -> None:
    function = pg.Function(
        schema=SCHEMA,
        name="same",
        arguments={"value": f'lab."{old.name}"'},
        returns=f'lab."{old.name}"',
        body="select value",
    )
    lab.there_and_back(Schema(entities=[old, function]), Schema(entities=[new, function]))


def test_attribute_before_another_comes_back_in_its_place(lab: Lab) -> None:
    old = replace(ADDRESS, attributes={"a": "text", "b": "text", "c": "text"})
    new = replace(ADDRESS, attributes={"a": "text", "c": "text"})
    lab.there_and_back(Schema(entities=[old]), Schema(entities=[new]))


def test_attribute_comes_back_in_its_place_with_the_check_column_and_attribute_of_its_type(
    lab: Lab,
) -> None:
    old = replace(ADDRESS, attributes={"a": "text", "b": "text", "c": "text"})
    new = replace(ADDRESS, attributes={"a": "text", "c": "text"})
    having = replace(ADDRESS, name="pair", attributes={"y": "text", "x": old.literal_name})
    before = using(old.name)
    check = sa.CheckConstraint(f"row('', '', '')::{old.literal_name} is not null", name="whole")
    before.tables["lab.things"].append_constraint(check)
    revision = lab.there_and_back(
        Schema(before, [old, having]),
        Schema(using(), [new, replace(having, attributes={"y": "text"})]),
    )
    assert "drop attribute if exists b" not in revision.upgrade


@pytest.mark.parametrize(("old", "new"), RECREATED.values(), ids=RECREATED)
def test_change_that_postgresql_refuses_while_columns_use_the_type_needs_a_hand(
    lab: Lab, old: AlterableEntity, new: AlterableEntity
) -> None:
    lab.migrate(Schema(using(old.name), [old]))
    (found,) = lab.differences(Schema(using(old.name), [new]))
    assert "undecided" in found
    assert "PostgreSQL can" in found


@pytest.mark.parametrize(("old", "new"), RECREATED.values(), ids=RECREATED)
def test_answer_that_recreates_a_type_of_columns_leaves_no_difference(
    lab: Lab, old: AlterableEntity, new: AlterableEntity
) -> None:
    lab.migrate(Schema(using(old.name), [old]))
    upgrade, _ = lab.operations(Schema(using(old.name), [new]))
    (undecided,) = upgrade.ops
    assert isinstance(undecided, UndecidedOp)
    (answer,) = (each for each in undecided.answers if each.what == "recreate it")
    run_script(lab.connection, answer.statements)
    assert lab.differences(Schema(using(old.name), [new])) == []


def named_short(kind: str, base: str, text: str) -> AlterableEntity:
    if kind == "domain":
        checks = {"few": f"value < {len(text)}"}
        return pg.Domain(schema=SCHEMA, name="tiny", base=base, checks=checks, comment=text)
    if kind == "composite type":
        return pg.CompositeType(schema=SCHEMA, name="tiny", attributes={"a": base, text: "text"})
    return pg.RangeType(schema=SCHEMA, name="tiny", subtype=base, comment=text)


@pytest.mark.parametrize("kind", ["domain", "composite type", "range type"])
def test_type_over_another_one_that_is_named_without_its_schema_is_altered(
    lab: Lab, kind: str
) -> None:
    small = pg.Domain(schema=SCHEMA, name="small", base="integer", checks={"some": "value > 0"})
    lab.migrate(Schema(using("tiny"), [small, named_short(kind, "lab.small", "one")]))
    lab.connection.execute(sa.text("set local search_path = lab, public"))
    same = Schema(using("tiny"), [small, named_short(kind, "small", "one")])
    assert lab.differences(same) == []
    changed = Schema(using("tiny"), [small, named_short(kind, "small", "another")])
    (difference,) = lab.differences(changed)
    assert difference.startswith(f"('alter_{kind.replace(' ', '_')}'")


def test_domain_declared_as_the_catalog_has_it_does_not_differ(lab: Lab) -> None:
    domain = pg.Domain(
        schema=SCHEMA, name="d", base="varchar(9)", checks={"known": "value in ('a', 'b')"}
    )
    lab.migrate(Schema(entities=[domain]))
    (read,) = pg.Domain.read(lab.connection, [SCHEMA])
    assert read.checks != domain.checks
    assert lab.differences(Schema(entities=[read])) == []


def test_types_of_one_name_in_two_schemas_are_altered_each(lab: Lab) -> None:
    lab.connection.execute(sa.text("create schema other"))
    mood = sa.Enum("high", "low", name=MOOD.name, schema="other")
    metadata = using("Odd mood")
    sa.Table("things", metadata, sa.Column("mood", mood), schema="other")
    numbers = replace(NUMBERS, schema="other", start=7)
    declared: list[pg.EnumType | pg.Sequence] = [MOOD, pg.EnumType.of(mood), NUMBERS, numbers]
    changed = [replace(each, comment="Changed") for each in declared]
    both = Lab(lab.connection, (SCHEMA, "other"))
    both.there_and_back(Schema(metadata, declared), Schema(metadata, changed))


def test_undeclared_type_stays_while_something_that_stays_uses_it(lab: Lab) -> None:
    kept = Schema(using("Odd address"), [ADDRESS, MOOD, NUMBERS])
    lab.migrate(kept)
    assert lab.differences(Schema(using("Odd address"), [NUMBERS])) == []


def test_enum_of_a_column_has_the_comment_of_its_entity(lab: Lab) -> None:
    mood = sa.Enum("good", "bad", name="mood", schema=SCHEMA)
    metadata = sa.MetaData()
    sa.Table("things", metadata, sa.Column("mood", mood), schema=SCHEMA)
    entity = pg.EnumType.of(mood, comment="How it is.")
    lab.there_and_back(Schema(), Schema(metadata, [entity]))
    lab.there_and_back(Schema(metadata, [entity]), Schema(metadata))


def test_enum_declared_with_other_values_than_its_column_is_refused(lab: Lab) -> None:
    mood = sa.Enum("good", "bad", name="mood", schema=SCHEMA)
    metadata = sa.MetaData()
    sa.Table("things", metadata, sa.Column("mood", mood), schema=SCHEMA)
    entity = replace(pg.EnumType.of(mood), values=("good",))
    with pytest.raises(CommandError, match=r"enum lab\.mood is declared twice"):
        lab.differences(Schema(metadata, [entity]))


def test_enum_named_without_its_values_is_one_that_is_declared_or_stays(lab: Lab) -> None:
    named = ENUM(name="mood", schema=SCHEMA, create_type=False)
    lab.there_and_back(Schema(), mooded(named, enum("good", "bad")))
    # Where no declaration has its values, the type is left as it is.
    lab.there_and_back(mooded(named, enum("good", "bad")), mooded(named, named))
    entity = pg.EnumType.of(enum("good", "bad", "middling"))
    declared = Schema(mooded(named, named).metadata, [entity])
    assert "add value" in lab.migrate(declared).upgrade.lower()


def mooded(mood: sa.types.TypeEngine[Any], other: sa.types.TypeEngine[Any]) -> Schema:
    metadata = sa.MetaData()
    for name, type_ in {"things": mood, "others": other}.items():
        sa.Table(name, metadata, sa.Column("mood", type_), schema=SCHEMA)
    return Schema(metadata)


def enum(*values: str) -> sa.Enum:
    return sa.Enum(*values, name="mood", schema=SCHEMA)


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (
            enum("good", "bad"),
            enum("bad", "good"),
            r"lab\.mood .* differs in values: .*lab\.things\.mood \(good, bad\) .*\(bad, good\)\.",
        ),
        (enum("good", "bad"), sa.ARRAY(enum("good")), r"\(good, bad\) .* \(good\)\."),
        (
            DOMAIN("size", sa.Integer, schema=SCHEMA),
            DOMAIN("size", sa.Integer, schema=SCHEMA, not_null=True),
            r"domain lab\.size .* differs in is nullable",
        ),
    ],
    ids=["order of values", "array", "domain"],
)
def test_type_that_two_columns_declare_in_different_ways_is_refused(
    lab: Lab, first: sa.types.TypeEngine[Any], second: sa.types.TypeEngine[Any], told: str
) -> None:
    with pytest.raises(CommandError, match=told):
        lab.differences(mooded(first, second))
    lab.migrate(mooded(first, copy(first)))


def test_enum_of_a_domain_and_one_without_values_are_created(lab: Lab) -> None:
    metadata = mooded(DOMAIN("moody", enum("good"), schema=SCHEMA), sa.Text()).metadata
    nothing = sa.Enum(name="nothing", schema=SCHEMA)
    sa.Table("empty", metadata, sa.Column("nothing", nothing), schema=SCHEMA)
    revision = lab.there_and_back(Schema(), Schema(metadata))
    assert "pg.EnumType" in revision.upgrade
    assert "undecided" not in revision.upgrade


def test_sequence_of_sqlalchemy_is_created_before_the_table_that_uses_it(lab: Lab) -> None:
    metadata = sa.MetaData()
    sequence = sa.Sequence("Odd numbers", start=5, schema=SCHEMA, metadata=metadata)
    column = sa.Column("number", sa.Integer, sequence, server_default=sequence.next_value())
    sa.Table("things", metadata, column, schema=SCHEMA)
    lab.there_and_back(Schema(), Schema(metadata))
    lab.there_and_back(Schema(metadata), Schema())


@pytest.mark.parametrize("is_default", [True, False], ids=["default", "of Python"])
def test_key_with_a_sequence_of_sqlalchemy_is_not_serial(lab: Lab, *, is_default: bool) -> None:
    metadata = sa.MetaData()
    sequence = sa.Sequence("numbers", start=5, schema=SCHEMA, metadata=metadata)
    default = sequence.next_value() if is_default else None
    key = sa.Column("id", sa.Integer, sequence, server_default=default, primary_key=True)
    sa.Table("things", metadata, key, schema=SCHEMA)
    revision = lab.there_and_back(Schema(), Schema(metadata))
    assert "serial" not in revision.upgrade.lower()


def test_sequence_without_declared_privileges_changes_where_the_roles_of_requests_do_not_exist(
    lab: Lab,
) -> None:
    first = pg.Sequence(schema=SCHEMA, name="numbers", api_roles=("nobody here",))
    old, new = (Schema(entities=[replace(first, increment=number)]) for number in (2, 3))
    revision = lab.there_and_back(old, new)
    assert "undecided" not in revision.upgrade


def test_sequences_of_identity_and_serial_columns_are_left_to_their_tables(lab: Lab) -> None:
    metadata = sa.MetaData()
    sa.Table(
        "things",
        metadata,
        sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("serial", sa.Integer, server_default=sa.text("nextval('lab.own'::regclass)")),
        schema=SCHEMA,
    )
    lab.connection.execute(sa.text("create sequence lab.own"))
    lab.migrate(Schema(metadata, [pg.Sequence(schema=SCHEMA, name="own")]))
    lab.connection.execute(sa.text("alter sequence lab.own owned by lab.things.serial"))
    assert lab.differences(Schema(metadata)) == []


def test_check_of_a_domain_is_tried_without_the_rows_of_its_columns(lab: Lab) -> None:
    lab.migrate(Schema(using("Odd percent"), [PERCENT]))
    lab.connection.execute(sa.text("insert into lab.things (id, c0) values (1, 50)"))
    refused = replace(PERCENT, checks={"In range": "value > 50"})
    (difference,) = lab.differences(Schema(using("Odd percent"), [refused]))
    assert difference == str(("alter_domain", SCHEMA, "Odd percent", "checks"))
    assert lab.connection.scalar(sa.text("select c0 from lab.things")) == 50


def test_column_of_a_type_with_a_percent_sign_in_its_name_comes_and_goes(lab: Lab) -> None:
    domain = pg.Domain(schema=SCHEMA, name="100%d", base="integer")
    metadata = sa.MetaData()
    column = sa.Column("c", pg.ColumnType(domain.literal_name))
    sa.Table("things", metadata, column, schema=SCHEMA)
    lab.there_and_back(Schema(using()), Schema(metadata, [domain]))


@pytest.mark.exhaustive
@pytest.mark.parametrize("schema", [None, "public"])
def test_enum_of_another_schema_than_its_table_is_compared_there(
    lab: Lab, schema: str | None
) -> None:
    mood = sa.Enum("good", "bad", name="Odd mood", schema=schema)
    metadata = sa.MetaData()
    columns: list[sa.Column[Any]] = [sa.Column("mood", mood), sa.Column("moods", sa.ARRAY(mood))]
    sa.Table("things", metadata, sa.Column("id", sa.Integer, primary_key=True), schema=SCHEMA)
    without = Schema(metadata)
    metadata = sa.MetaData()
    key = sa.Column("id", sa.Integer, primary_key=True)
    sa.Table("things", metadata, key, *columns, schema=SCHEMA)
    lab.connection.execute(sa.text("create type public.\"Odd mood\" as enum ('good', 'bad')"))
    lab.there_and_back(Schema(), Schema(metadata))
    lab.there_and_back(without, Schema(metadata))
    lab.there_and_back(Schema(metadata), Schema())


def test_type_that_a_column_has_by_way_of_another_type_is_not_dropped_for_a_change(
    lab: Lab,
) -> None:
    several = pg.Domain(schema=SCHEMA, name="several", base='lab."Odd address"[]')
    declared = [MOOD, ADDRESS, several]
    lab.migrate(Schema(using("several"), declared))
    changed = replace(ADDRESS, attributes={"mood": "text", "Street": "text"})
    (difference,) = lab.differences(Schema(using("several"), [MOOD, changed, several]))
    assert "undecided" in difference
    assert "Odd address" in difference


def with_domain(check: str, *, not_null: bool = False, is_array: bool = False) -> Schema:
    domain = DOMAIN(
        "Odd share",
        sa.Numeric(5, 2),
        schema=SCHEMA,
        default="0",
        check=check,
        constraint_name="Odd check",
        not_null=not_null,
    )
    metadata = sa.MetaData()
    key = sa.Column("id", sa.Integer, primary_key=True)
    columns: list[sa.Column[Any]] = [sa.Column("a", domain), sa.Column("b", domain)]
    if is_array:
        columns.append(sa.Column("c", sa.ARRAY(domain)))
    sa.Table("things", metadata, key, *columns, schema=SCHEMA)
    return Schema(metadata)


@pytest.mark.exhaustive
def test_domain_of_a_column_is_created_altered_and_dropped_with_it(lab: Lab) -> None:
    lab.there_and_back(Schema(using()), with_domain("VALUE > 0"))
    revision = lab.there_and_back(with_domain("VALUE > 0"), with_domain("VALUE > 1"))
    assert "alter domain" in revision.upgrade
    lab.there_and_back(with_domain("VALUE > 1"), with_domain("VALUE > 1", not_null=True))
    lab.there_and_back(with_domain("VALUE > 1"), with_domain("VALUE > 1", is_array=True))
    lab.there_and_back(with_domain("VALUE > 1", is_array=True), Schema())


# SQLAlchemy once named the sequence of a serial column in the column.
def test_sequence_named_by_a_serial_column_is_left_to_it(lab: Lab) -> None:
    lab.connection.execute(sa.text("create table lab.things (id serial primary key)"))
    metadata = sa.MetaData()
    sequence = sa.Sequence("things_id_seq", schema=SCHEMA)
    sa.Table(
        "things", metadata, sa.Column("id", sa.Integer, sequence, primary_key=True), schema=SCHEMA
    )
    metadata.tables["lab.things"].columns["id"].server_default = sa.DefaultClause(
        sa.text("nextval('lab.things_id_seq'::regclass)")
    )
    assert lab.differences(Schema(metadata)) == []


def test_types_and_sequences_of_other_roles_and_of_extensions_are_left_alone(lab: Lab) -> None:
    lab.connection.exec_driver_sql(
        """
        create role stranger;
        create type lab.mood as enum ('good');
        alter type lab.mood owner to stranger;
        create sequence lab.numbers;
        alter sequence lab.numbers owner to stranger;
        create role migrator;
        grant all on schema lab to migrator;
        set local role migrator
        """
    )
    assert lab.differences(Schema()) == []
