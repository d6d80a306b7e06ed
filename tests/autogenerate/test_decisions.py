"""A difference that needs a hand is one step of a revision, and does not stop the others."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from alembic.util import CommandError
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

from tests.autogenerate.lab import SCHEMA, Lab, Schema, code
from townhall import pg
from townhall.pg import Entity


class Ghost(UserDefinedType[object]):
    """A type whose extension is not there."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "lab.ghost"


def table(*parts: sa.schema.SchemaItem, name: str = "things", key: bool = True) -> sa.MetaData:
    metadata = sa.MetaData()
    sa.Table(name, metadata, sa.Column("id", sa.Integer, primary_key=key), *parts, schema=SCHEMA)
    return metadata


def mood(*values: str) -> sa.Column[str]:
    return sa.Column("mood", postgresql.ENUM(*values, name="mood", schema=SCHEMA))


def view(query: str) -> pg.View:
    return pg.View(schema=SCHEMA, name="v", definition=query)


def declared(*parts: sa.schema.SchemaItem, entities: list[Entity] | None = None) -> Schema:
    return Schema(table(*parts), entities or [])


CASES = {
    "a type without a cast": (
        declared(sa.Column("size", sa.Text)),
        declared(sa.Column("size", postgresql.INT4RANGE)),
        "using null",
    ),
    "a type without a cast, and a check that changes with it": (
        declared(sa.Column("day", sa.Text), sa.CheckConstraint("day > ''", name="late")),
        declared(sa.Column("day", sa.Date), sa.CheckConstraint("day > '2000-01-01'", name="late")),
        "using day::text::date",
    ),
    "a type that does not exist": (
        declared(),
        declared(sa.Column("ghost", Ghost())),
        "create extension ghost",
    ),
    "a sequence that does not exist": (
        declared(),
        declared(sa.Column("n", sa.BigInteger, server_default=sa.text("nextval('lab.numbers')"))),
        "create sequence lab.numbers",
    ),
    "a default that reads a missing sequence": (
        declared(sa.Column("n", sa.BigInteger)),
        declared(sa.Column("n", sa.BigInteger, server_default=sa.text("nextval('lab.numbers')"))),
        "create sequence lab.numbers",
    ),
    "a role that does not exist": (
        declared(),
        declared(
            entities=[pg.TableAccess(schema=SCHEMA, table="things", grants={"no_one": ("select",)})]
        ),
        "create role no_one nologin",
    ),
    "a value of an enum that is removed": (
        declared(mood("happy", "sad")),
        declared(mood("happy")),
        "rename to former_mood",
    ),
    "a value of an enum that is renamed": (
        declared(mood("happy", "sad")),
        declared(mood("happy", "blue")),
        "rename value 'sad' to 'blue'",
    ),
    "an ordinary column that is a generated one": (
        declared(sa.Column("next", sa.Integer)),
        declared(sa.Column("next", sa.Integer, sa.Computed("id + 1", persisted=True))),
        "drop column next",
    ),
    "a view of a column that does not exist": (
        declared(),
        declared(entities=[view("select nothing_there from lab.things")]),
        "correct the declaration",
    ),
    "a check that calls a function that does not exist": (
        declared(),
        declared(sa.CheckConstraint("lab.fits(id)", name="fits")),
        "create extension fits",
    ),
    "an index of an operator class of an extension that does not exist": (
        declared(sa.Column("t", sa.Text)),
        declared(
            sa.Column("t", sa.Text),
            sa.Index("similar", "t", postgresql_using="gin", postgresql_ops={"t": "gin_trgm_ops"}),
        ),
        "create extension pg_trgm",
    ),
    "an index of an operator class that is not known": (
        declared(sa.Column("t", sa.Text)),
        declared(sa.Column("t", sa.Text), sa.Index("i", "t", postgresql_ops={"t": "ghost_ops"})),
        "create the extension that has it",
    ),
}


@pytest.mark.thorough
@pytest.mark.parametrize(("old", "new", "answer"), CASES.values(), ids=CASES)
def test_other_differences_are_written_beside_one_that_needs_a_hand(
    lab: Lab, old: Schema, new: Schema, answer: str
) -> None:
    lab.migrate(old)
    (other,) = table(name="others").tables.values()
    other.to_metadata(new.metadata)
    upgrade, downgrade = lab.operations(new)
    found = [str(difference) for difference in upgrade.as_diffs()]
    assert [each for each in found if "others" in each] != []
    assert len([each for each in found if each.startswith("('undecided'")]) == 1
    assert "Op object" not in str(found)
    context = lab.context(new)
    written = code(upgrade, context)
    assert answer in written
    back = code(downgrade, context)
    if answer.startswith("create role"):
        back = f"op.execute({answer!r})\n    {back}"  # what it has is taken back from it
    for direction in (written, back):
        with (
            pytest.raises(CommandError, match="this revision is not finished"),
            lab.connection.begin_nested(),
        ):
            lab.run(direction)
    other.to_metadata(old.metadata)


def test_what_follows_from_a_difference_that_needs_a_hand_is_written_after_it(lab: Lab) -> None:
    number = sa.Column("n", sa.BigInteger, server_default=sa.text("nextval('lab.numbers')"))
    new = declared(number, entities=[view("select n from lab.things")])
    upgrade, _ = lab.operations(new)
    written = code(upgrade, lab.context(new))
    assert written.count("pg.undecided") == 1
    finished = written.replace(
        next(line for line in written.splitlines() if "pg.undecided" in line).strip(),
        "pg.execute('create sequence lab.numbers')",
    )
    lab.run(finished)
    assert lab.differences(new) == []


@pytest.mark.thorough
def test_use_of_an_added_value_is_left_to_the_next_revision_where_it_can_not_be_tried(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    # No other type can be given to a column by which a table is partitioned.
    def parted(*values: str) -> Schema:
        metadata = sa.MetaData(schema=SCHEMA)
        column = mood(*values)
        column.server_default = sa.DefaultClause(values[-1])
        sa.Table("things", metadata, column, postgresql_partition_by="list (mood)")
        return Schema(metadata)

    lab.migrate(parted("happy"))
    new = parted("happy", "blue")
    upgrade, _ = lab.operations(new)
    differences = [str(each) for each in upgrade.as_diffs()]
    assert [each for each in differences if "in_the_next_revision" in each] != []
    assert "add value if not exists 'blue'" in code(upgrade, lab.context(new))
    assert "partition key" in caplog.text


_GIVER = """
    create schema if not exists auth;
    create table auth.lab_users (id integer);
    create role lab_giver;
    grant usage on schema auth to lab_giver;
    grant select on auth.lab_users to lab_giver;
    grant all on schema lab to lab_giver;
    set local role lab_giver;
"""


def test_other_differences_are_written_beside_what_its_statements_do_not_create(lab: Lab) -> None:
    lab.run(f'op.execute("""{_GIVER}""")')
    # It may not pass the privilege on, which PostgreSQL only warns of.
    grant = pg.TableGrant(schema="auth", table="lab_users", role="public", privileges=("select",))
    new = Schema(table(), [grant])
    found = lab.differences(new)
    assert len(found) == 2
    assert any("add_table" in each for each in found)
    assert any("undecided" in each and "auth lab_users" in each for each in found), found
    written = code(lab.operations(new)[0], lab.context(new))
    assert "grant select on table auth.lab_users to public" in written
    with pytest.raises(CommandError, match="this revision is not finished"):
        lab.run(written)


@pytest.mark.parametrize("has_rows", [True, False])
def test_new_column_for_which_rows_have_no_value_needs_a_hand(lab: Lab, *, has_rows: bool) -> None:
    lab.migrate(declared())
    if has_rows:
        lab.connection.execute(sa.text("insert into lab.things values (1)"))
    number = sa.Column("number", sa.Integer, sa.CheckConstraint("number > 0"), nullable=False)
    new = declared(number, entities=[view("select number from lab.things")])
    sa.Table("others", new.metadata, sa.Column("id", sa.Integer), schema=SCHEMA)
    upgrade, _ = lab.operations(new)
    written = code(upgrade, lab.context(new))
    assert ("pg.undecided" in written) == has_rows
    assert written.count("add column number integer not null default") == has_rows
    assert "create_table" in written
    if has_rows:
        add = "alter table lab.things add column number integer not null default 1"
        call = written[written.index("pg.undecided") :].split(")", 1)[0] + ")"
        lab.run(written.replace(call, f"pg.execute({add!r})"))
        left = lab.differences(new)
        assert left == ["('modify_default', 'lab', 'things', 'number', '1', None)"]


BESIDE: dict[str, tuple[list[sa.schema.SchemaItem], list[sa.schema.SchemaItem]]] = {
    "a primary key": (
        [sa.Column("id", sa.Integer, nullable=False)],
        [sa.Column("id", sa.Integer, primary_key=True, autoincrement=False)],
    ),
    "an exclusion": (
        [sa.Column("id", sa.Integer, primary_key=True)],
        [
            sa.Column("id", sa.Integer, primary_key=True),
            postgresql.ExcludeConstraint(("id", "="), name="once", using="btree"),
        ],
    ),
    "a generated column": (
        [
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("next", sa.Integer, sa.Computed("id + 1", persisted=True)),
        ],
        [
            sa.Column("id", sa.BigInteger, primary_key=True),
            sa.Column("next", sa.BigInteger, sa.Computed("id + 1", persisted=True)),
        ],
    ),
    "an identity": (
        [sa.Column("id", sa.Integer, primary_key=True)],
        [sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True)],
    ),
}


@pytest.mark.thorough
@pytest.mark.parametrize(("old", "new"), BESIDE.values(), ids=BESIDE)
def test_type_that_needs_a_hand_stops_no_other_change_of_its_table(
    lab: Lab, old: list[sa.schema.SchemaItem], new: list[sa.schema.SchemaItem]
) -> None:
    def declared(parts: list[sa.schema.SchemaItem], type_: sa.types.TypeEngine[Any]) -> Schema:
        metadata = sa.MetaData()
        sa.Table("things", metadata, *parts, sa.Column("z", type_), schema=SCHEMA)
        seen = pg.View(schema=SCHEMA, name="seen", definition="select id, z from lab.things")
        return Schema(metadata, [seen])

    lab.migrate(declared(old, sa.Text()))
    # PostgreSQL has another name for this type.
    found = lab.differences(declared(new, sa.Float()))
    (undecided,) = [each for each in found if "undecided" in each]
    assert "things z text float" in undecided
    assert len(found) > 1
