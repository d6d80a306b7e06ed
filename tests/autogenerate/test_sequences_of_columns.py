"""Columns that take their default from a declared sequence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest
import sqlalchemy as sa

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from townhall import pg
from townhall.pg import catalog, sql

FIRST = pg.Sequence(schema=SCHEMA, name="it's first", grants={})
SECOND = pg.Sequence(schema=SCHEMA, name="second", grants={})
OWNED = pg.Sequence(schema=SCHEMA, name="owned", grants={}, owned_by=("things", "number"))


def numbered(*sequences: pg.Sequence) -> Schema:
    """Return a table whose column takes its default from the last of some sequences."""
    metadata = sa.MetaData()
    default = None
    if sequences:
        name = sql.literal(sequences[-1].literal_name)
        default = sa.text(f"nextval({name})")
    sa.Table(
        "things",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, server_default=default),
        schema=SCHEMA,
    )
    return Schema(metadata, sequences)


CHANGES = {
    "a default is added": (numbered(), numbered(FIRST)),
    "a default is dropped": (numbered(FIRST), numbered()),
    "another sequence gives the default": (numbered(FIRST, SECOND), numbered(SECOND, FIRST)),
    "the sequence is dropped": (numbered(FIRST), numbered(SECOND)),
    "the sequence is owned": (numbered(replace(OWNED, owned_by=None)), numbered(OWNED)),
}


@pytest.mark.thorough
@pytest.mark.parametrize(("old", "new"), CHANGES.values(), ids=CHANGES)
def test_change_of_the_default_is_found_and_reverted(lab: Lab, old: Schema, new: Schema) -> None:
    lab.there_and_back(old, new)


def serial(type_: type[sa.Integer]) -> Schema:
    """Return a table with a serial key."""
    metadata = sa.MetaData()
    sa.Table("Things", metadata, sa.Column("Id", type_, primary_key=True), schema=SCHEMA)
    return Schema(metadata)


def identity(type_: type[sa.Integer]) -> Schema:
    """Return a table whose key is an identity column."""
    metadata = sa.MetaData()
    key = sa.Column("Id", type_, sa.Identity(always=True), primary_key=True)
    sa.Table("Things", metadata, key, schema=SCHEMA)
    return Schema(metadata)


def numberless(type_: type[sa.Integer]) -> Schema:
    """Return a table whose key has no default."""
    metadata = sa.MetaData()
    key = sa.Column("Id", type_, primary_key=True, autoincrement=False)
    sa.Table("Things", metadata, key, schema=SCHEMA)
    return Schema(metadata)


TABLE = 'lab."Things"'
SEQUENCE = 'lab."Things_Id_seq"'
BY_HAND = {
    "increment": f"alter sequence {SEQUENCE} increment 5",
    "every number": f"alter sequence {SEQUENCE} start 7 minvalue -5 maxvalue 99 cache 3 cycle",
    "type": f"alter sequence {SEQUENCE} as bigint",
    "type of the column": 'alter table lab."Things" alter "Id" type bigint',
    "type of both": f"""
        alter table lab."Things" alter "Id" type bigint; alter sequence {SEQUENCE} as bigint
    """,
}


OPTIONS = {
    type_: (
        f"as {name}",
        "start with 1",
        "increment by 1",
        "minvalue 1",
        f"maxvalue {2 ** (bits - 1) - 1}",
        "cache 1",
        "no cycle",
    )
    for type_, name, bits in ((sa.Integer, "integer", 32), (sa.BigInteger, "bigint", 64))
}


def everything(lab: Lab) -> Mapping[str, catalog.Facts]:
    with catalog.empty_search_path(lab.connection):
        return catalog.read_everything(lab.connection, [SCHEMA])


@pytest.mark.thorough
@pytest.mark.parametrize("change", BY_HAND.values(), ids=BY_HAND)
@pytest.mark.parametrize("type_", [sa.Integer, sa.BigInteger])
def test_sequence_of_a_serial_column_that_was_changed_by_hand_is_found_and_reverted(
    lab: Lab, change: str, type_: type[sa.Integer]
) -> None:
    lab.migrate(serial(sa.Integer))
    lab.connection.exec_driver_sql(change, execution_options={"no_parameters": True})
    before = everything(lab)
    revision = lab.migrate(serial(type_))
    with catalog.empty_search_path(lab.connection):
        (table,) = catalog.read_tables(lab.connection, [SCHEMA])
    assert table.columns["Id"].sequence_options == OPTIONS[type_]
    lab.run(revision.downgrade)
    assert everything(lab) == before


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (serial(sa.Integer), identity(sa.Integer)),
        (identity(sa.Integer), serial(sa.Integer)),
        (serial(sa.Integer), identity(sa.BigInteger)),
        (identity(sa.BigInteger), serial(sa.Integer)),
    ],
    ids=["to identity", "to serial", "to identity and larger", "to serial and smaller"],
)
def test_numbers_go_on_where_a_serial_column_becomes_an_identity_or_the_reverse(
    lab: Lab, old: Schema, new: Schema
) -> None:
    insert = sa.text(f'insert into {TABLE} default values returning "Id"')

    def number() -> int:
        return int(lab.connection.scalar(insert) or 0)

    lab.migrate(old)
    assert [number(), number()] == [1, 2]
    revision = lab.migrate(new)
    assert number() == 3
    lab.run(revision.downgrade, times=2)
    assert lab.differences(old) == []
    assert number() == 4
    lab.run(revision.upgrade, times=2)
    assert lab.differences(new) == []
    assert number() == 5
    there_again = lab.migrate(old)
    assert number() == 6
    lab.run(there_again.downgrade, times=2)
    assert number() == 7
    query = f"select pg_get_serial_sequence('{TABLE}', 'Id')"
    assert lab.connection.scalar(sa.text(query)) == SEQUENCE


@pytest.mark.thorough
@pytest.mark.filterwarnings("error:autoincrement")
def test_column_that_is_no_key_any_more_is_changed_without_an_option_of_mysql(lab: Lab) -> None:
    def declared(type_: type[sa.Integer], key: str) -> Schema:
        metadata = sa.MetaData()
        columns: tuple[sa.Column[int], ...] = (
            sa.Column("id", type_, primary_key=key == "id"),
            sa.Column("number", sa.Integer, primary_key=key == "number"),
        )
        sa.Table("things", metadata, *columns, schema=SCHEMA)
        return Schema(metadata)

    revision = lab.there_and_back(declared(sa.Integer, "id"), declared(sa.BigInteger, "number"))
    assert "autoincrement" not in revision.upgrade + revision.downgrade


@pytest.mark.thorough
def test_serial_columns_of_more_tables_need_no_more_statements(lab: Lab) -> None:
    def statements(count: int) -> int:
        metadata = sa.MetaData()
        for number in range(count):
            key = sa.Column("id", sa.Integer, primary_key=True)
            sa.Table(f"t{number}", metadata, key, schema=SCHEMA)
        lab.migrate(Schema(metadata))
        executed: list[object] = []
        sa.event.listen(lab.connection, "before_cursor_execute", lambda *_: executed.append(None))
        assert lab.differences(Schema(metadata)) == []
        return len(executed)

    assert statements(2) == statements(5)


OF_OTHER_NAME = f"""
    alter sequence {SEQUENCE} rename to "it's first";
    alter sequence lab."it's first" increment 5 start 3 cache 2 maxvalue 999;
    grant usage on sequence lab."it's first" to public;
    comment on sequence lab."it's first" is 'The numbers.'
"""


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("old", "new"),
    [(identity, serial), (identity, numberless), (serial, identity), (serial, numberless)],
)
def test_sequence_of_another_name_comes_back_with_all_that_it_has(
    lab: Lab,
    old: Callable[[type[sa.Integer]], Schema],
    new: Callable[[type[sa.Integer]], Schema],
) -> None:
    lab.migrate(old(sa.Integer))
    lab.connection.exec_driver_sql(OF_OTHER_NAME, execution_options={"no_parameters": True})
    insert = sa.text(f'insert into {TABLE} default values returning "Id"')
    assert lab.connection.scalar(insert) == 1
    before = everything(lab)
    revision = lab.migrate(new(sa.Integer))
    is_numbered = new is not numberless
    if is_numbered:
        assert lab.connection.scalar(insert) == 11  # two numbers were taken at once
    lab.run(revision.downgrade, times=2)
    assert everything(lab) == before
    if is_numbered:
        assert lab.connection.scalar(insert) == 12


def counted(identity: sa.Identity) -> Schema:
    """Return a table whose key is an identity column."""
    metadata = sa.MetaData()
    key = sa.Column("Id", sa.Integer, identity, primary_key=True)
    sa.Table("Things", metadata, key, schema=SCHEMA)
    return Schema(metadata)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("identity", "numbers"),
    [
        (sa.Identity(increment=-1, start=9, minvalue=1, maxvalue=20), [9, 8, 10, 7]),
        (sa.Identity(increment=-5, start=90, minvalue=1, maxvalue=99), [90, 85, 91, 84]),
        (sa.Identity(increment=5), [1, 6, 11, 12]),
        (sa.Identity(start=50, minvalue=50), [50, 51, 52, 53]),
    ],
    ids=["counts down", "counts down in steps", "counts in steps", "begins later"],
)
def test_no_number_is_skipped_or_repeated_where_an_identity_counts_otherwise(
    lab: Lab, identity: sa.Identity, numbers: Sequence[int]
) -> None:
    insert = sa.text(f'insert into {TABLE} default values returning "Id"')
    lab.migrate(counted(identity))
    got = [lab.connection.scalar(insert) for _ in range(2)]
    revision = lab.migrate(serial(sa.Integer))
    got.append(lab.connection.scalar(insert))
    lab.run(revision.downgrade, times=2)
    got.append(lab.connection.scalar(insert))
    assert got == numbers


@pytest.mark.thorough
def test_identity_that_has_no_number_left_begins_not_again(lab: Lab) -> None:
    insert = sa.text(f'insert into {TABLE} default values returning "Id"')
    lab.migrate(counted(sa.Identity(maxvalue=2)))
    assert [lab.connection.scalar(insert) for _ in range(2)] == [1, 2]
    revision = lab.migrate(serial(sa.Integer))
    assert lab.connection.scalar(insert) == 3
    lab.run(revision.downgrade, times=2)
    with pytest.raises(sa.exc.DBAPIError, match="reached maximum value"):
        lab.connection.scalar(insert)
