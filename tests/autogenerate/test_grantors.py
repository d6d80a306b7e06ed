"""A privilege that several roles granted comes back with what it was granted on."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import sqlalchemy as sa

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from townhall import pg
from townhall.pg.catalog import empty_search_path, read_everything

pytestmark = pytest.mark.exhaustive

OBJECTS: Mapping[str, tuple[str, str]] = {
    "table": ("create table lab.thing (id integer)", "select on table lab.thing"),
    "column": ("create table lab.thing (id integer)", "select (id) on table lab.thing"),
    "view": ("create view lab.thing as select 1 as id", "select on table lab.thing"),
    "column of a view": ("create view lab.thing as select 1 as id", "select (id) on lab.thing"),
    "materialized view": (
        "create materialized view lab.thing as select 1 as id",
        "select on table lab.thing",
    ),
    "function": (
        "create function lab.thing() returns integer language sql return 1",
        "execute on function lab.thing()",
    ),
    "enum": ("create type lab.thing as enum ('a')", "usage on type lab.thing"),
    "sequence": ("create sequence lab.thing", "usage on sequence lab.thing"),
}


def run(lab: Lab, script: str) -> None:
    lab.connection.exec_driver_sql(script, execution_options={"no_parameters": True})


@pytest.mark.parametrize("is_by_owner", [True, False], ids=["and the owner", "alone"])
@pytest.mark.parametrize(("create", "privilege"), OBJECTS.values(), ids=OBJECTS)
def test_what_a_role_passed_on_comes_back(
    lab: Lab, create: str, privilege: str, *, is_by_owner: bool
) -> None:
    run(
        lab,
        "create role lab_one; create role lab_two; grant usage on schema lab to lab_one;"
        f" {create}; grant {privilege} to lab_one with grant option;"
        f" set local role lab_one; grant {privilege} to lab_two with grant option; reset role",
    )
    if is_by_owner:
        run(lab, f"grant {privilege} to lab_two")
    with empty_search_path(lab.connection):
        before = read_everything(lab.connection, [SCHEMA])
    assert "lab_two" in str(before)
    revision = lab.migrate(Schema())
    lab.run(revision.downgrade, times=2)
    with empty_search_path(lab.connection):
        assert read_everything(lab.connection, [SCHEMA]) == before


def test_declared_privilege_that_two_roles_granted_is_no_difference(lab: Lab) -> None:
    metadata = sa.MetaData()
    sa.Table("things", metadata, sa.Column("id", sa.Integer), schema=SCHEMA)
    run(lab, "create role lab_one; create role lab_two; grant usage on schema lab to lab_one")
    grants = {
        "lab_one": ("select (id) with grant option",),
        "lab_two": ("select (id)",),
    }
    access = pg.TableAccess(schema=SCHEMA, table="things", grants=grants)
    function = pg.Function(
        schema=SCHEMA,
        name="f",
        returns="integer",
        body="select 1",
        execute=("lab_one with grant option", "lab_two"),
    )
    declared = Schema(metadata, [access, function])
    lab.migrate(declared)
    run(
        lab,
        "set local role lab_one; grant select (id) on lab.things to lab_two;"
        " grant execute on function lab.f() to lab_two; reset role",
    )
    assert lab.differences(declared) == []
