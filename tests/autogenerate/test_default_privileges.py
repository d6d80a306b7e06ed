"""What default privileges give to new objects is not given to what a downgrade creates again."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from townhall import pg
from townhall.pg.catalog import empty_search_path, read_everything

pytestmark = pytest.mark.thorough

SCRIPT = """
    create role lab_newcomer;
    create table lab.tabled (id integer);
    create function lab.one() returns integer language sql return 1;
    create procedure lab.two() language sql as 'select 1';
    create sequence lab.numbers;
    create view lab.three as select 1 as id;
    create materialized view lab.four as select 1 as id;
    alter default privileges grant execute on functions to lab_newcomer;
    alter default privileges in schema lab grant usage on sequences to lab_newcomer;
    alter default privileges in schema lab grant select on tables to lab_newcomer;
    create role lab_other;
    grant create on schema lab to lab_other;
    alter default privileges for role lab_other grant usage on types to lab_newcomer;
    alter default privileges for role lab_other revoke usage on types from public;
    alter default privileges for role lab_other in schema lab
        grant execute on functions to lab_newcomer with grant option;
    set local role lab_other;
    create function lab.five() returns integer language sql return 1;
    create type lab.six as enum ('a');
    create domain lab.seven as integer;
    create table lab.eight (id integer);
    reset role
"""


def privileges(lab: Lab) -> object:
    with empty_search_path(lab.connection):
        return read_everything(lab.connection, [SCHEMA])


def test_objects_older_than_the_default_privileges_come_back_as_they_were(lab: Lab) -> None:
    lab.connection.exec_driver_sql(SCRIPT)
    before = privileges(lab)
    revision = lab.migrate(Schema())
    lab.run(revision.downgrade, times=2)
    assert privileges(lab) == before


def test_view_that_is_created_again_has_the_privileges_that_it_had(lab: Lab) -> None:
    lab.connection.exec_driver_sql(SCRIPT)
    renamed = pg.View(schema=SCHEMA, name="three", definition="select 1 as number")
    before = privileges(lab)
    revision = lab.migrate(Schema(entities=[renamed]))
    assert "lab_newcomer select" not in str(privileges(lab))
    lab.run(revision.downgrade, times=2)
    assert privileges(lab) == before


def test_table_that_goes_with_new_default_privileges_comes_back_without_them(lab: Lab) -> None:
    def declared(table: str, column: str, *more: pg.DefaultPrivileges) -> Schema:
        metadata = sa.MetaData()
        sa.Table(table, metadata, sa.Column(column, sa.Integer), schema=SCHEMA)
        seen = pg.View(schema=SCHEMA, name="seen", definition=f"select {column} from lab.{table}")
        return Schema(metadata, [*more, seen])

    lab.migrate(declared("old", "a"))
    before = privileges(lab)
    given = pg.DefaultPrivileges(
        schema=SCHEMA, objects="tables", grants={"authenticated": ("select",)}
    )
    revision = lab.migrate(declared("new", "b", given))
    lab.run(revision.downgrade, times=2)
    assert privileges(lab) == before


@pytest.mark.parametrize(
    "defaults",
    [
        """
            alter default privileges revoke usage on types from public;
            alter default privileges in schema lab grant usage on types to authenticated
        """,
        "alter default privileges grant usage on types to authenticated, lab_newcomer",
    ],
)
def test_types_have_the_privileges_that_are_declared_or_that_they_had(
    lab: Lab, defaults: str
) -> None:
    def declared(number: int) -> Schema:
        base = ("text", "time")[number]
        usage = "lab_newcomer with grant option"
        return Schema(
            entities=[
                pg.EnumType(schema=SCHEMA, name="ten", values=("a", "b")[number:]),
                pg.Domain(schema=SCHEMA, name="eleven", base=base, usage=(usage, "public")),
                pg.CompositeType(schema=SCHEMA, name="twelve", attributes={"a": base}, usage=()),
                pg.RangeType(schema=SCHEMA, name="thirteen", subtype=base, usage=(usage,)),
            ]
        )

    lab.connection.exec_driver_sql("create role lab_newcomer")
    lab.migrate(declared(0))
    lab.connection.exec_driver_sql(f"grant usage on type lab.twelve to lab_newcomer; {defaults}")
    before = privileges(lab)
    assert lab.differences(declared(0)) == []
    for changed in (declared(1), Schema()):
        revision = lab.migrate(changed)
        lab.run(revision.downgrade, times=2)
        assert privileges(lab) == before
    lab.migrate(Schema())
    lab.migrate(declared(0))
