"""What is dropped and comes back has the owner that it had."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import sqlalchemy as sa
from alembic.util import CommandError

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from townhall import pg
from townhall.pg import catalog
from townhall.pg.routine import Security

OBJECTS: Mapping[str, str] = {
    "table": "create table lab.thing (id integer generated always as identity, number serial)",
    "partitioned table": """
        create table lab.thing (id integer) partition by range (id);
        create table lab.part partition of lab.thing for values from (0) to (9)
    """,
    "view": "create view lab.thing as select 1 as id",
    "materialized view": "create materialized view lab.thing as select 1 as id",
    "function": "create function lab.thing(integer) returns integer language sql return $1",
    "definer function": """
        create function lab.thing() returns integer language sql security definer
        set search_path = pg_catalog, pg_temp return 1
    """,
    "procedure": "create procedure lab.thing(integer) language sql as ''",
    "enum": "create type lab.thing as enum ('a')",
    "domain": "create domain lab.thing as integer check (value > 0)",
    "composite type": "create type lab.thing as (a integer)",
    "range type": "create type lab.thing as range (subtype = integer)",
    "sequence": "create sequence lab.thing",
    "sequence of a column": """
        create table lab.owning (id integer);
        create sequence lab.thing owned by lab.owning.id
    """,
    "statistics": """
        create table lab.studied (a integer, b integer);
        create statistics lab.thing on a, b from lab.studied;
        alter statistics lab.thing set statistics 7;
        comment on statistics lab.thing is 'It''s both.'
    """,
}
"""What creates objects of each kind that has an owner."""

MIGRATING = ("a superuser", "a member of the owner")


@pytest.fixture(params=MIGRATING)
def keeper(lab: Lab, request: pytest.FixtureRequest) -> str:
    """Return a role that owns objects, with the right to make it the owner of further ones."""
    run(
        lab,
        "create role lab_keeper; create role lab_migrator createrole;"
        " grant lab_keeper to lab_migrator;"
        " grant create, usage on schema lab to lab_keeper, lab_migrator",
    )
    if request.param != MIGRATING[0]:
        run(lab, "set local role lab_migrator")
    return "lab_keeper"


def run(lab: Lab, script: str) -> None:
    lab.connection.exec_driver_sql(script, execution_options={"no_parameters": True})


def as_owner(lab: Lab, keeper: str, script: str) -> None:
    before = lab.connection.scalar(sa.text("select current_user"))
    run(lab, f"set local role {keeper}; {script}; set local role {before}")


def owners(lab: Lab) -> Mapping[tuple[str, ...], str]:
    with catalog.empty_search_path(lab.connection):
        return catalog.read_owners(lab.connection, [SCHEMA])


def everything(lab: Lab) -> Mapping[str, catalog.Facts]:
    with catalog.empty_search_path(lab.connection):
        return catalog.read_everything(lab.connection, [SCHEMA])


@pytest.mark.parametrize("script", OBJECTS.values(), ids=OBJECTS.keys())
def test_dropped_object_comes_back_with_its_owner(lab: Lab, keeper: str, script: str) -> None:
    as_owner(lab, keeper, script)
    before = everything(lab)
    assert {facts["owner"] for facts in before.values() if "owner" in facts} == {keeper}
    revision = lab.migrate(Schema())
    assert not [name for name in owners(lab) if name != (SCHEMA,)]
    lab.run(revision.downgrade)
    assert everything(lab) == before
    lab.run(revision.upgrade)


@pytest.mark.thorough
@pytest.mark.parametrize("declared", [(), ("anon",)], ids=["dropped", "declared"])
def test_objects_of_a_role_of_requests_keep_what_it_may(
    lab: Lab, declared: tuple[str, ...]
) -> None:
    run(lab, "grant create, usage on schema lab to anon; set local role anon")
    run(
        lab,
        "create function lab.f() returns integer language sql return 1;"
        " create view lab.v as select 1 as id; create sequence lab.numbers;"
        " create type lab.mood as enum ('a'); revoke usage on type lab.mood from public;"
        " grant select on lab.v to authenticated; reset role",
    )
    before = everything(lab)
    changed: list[pg.Entity] = [
        pg.Function(
            schema=SCHEMA, name="f", returns="bigint", body="select 1::bigint", execute=declared
        ),
        pg.View(
            schema=SCHEMA, name="v", definition="select 1 as other", grants={"anon": ("select",)}
        ),
        pg.Sequence(schema=SCHEMA, name="numbers", grants={"anon": ("usage",)}),
        pg.EnumType(schema=SCHEMA, name="mood", values=("a",), usage=declared),
    ]
    revision = lab.migrate(Schema(entities=changed if declared else ()))
    lab.run(revision.downgrade)
    assert everything(lab) == before


@pytest.mark.thorough
def test_access_of_what_a_role_of_requests_owns_leaves_it_the_privileges_of_an_owner(
    lab: Lab,
) -> None:
    metadata = sa.MetaData()
    sa.Table("t", metadata, sa.Column("id", sa.Integer, primary_key=True), schema=SCHEMA)
    lab.migrate(Schema(metadata))
    run(lab, "alter schema lab owner to anon; alter table lab.t owner to anon")
    before = everything(lab)
    declared: list[pg.Entity] = [
        pg.TableAccess(schema=SCHEMA, table="t", grants={"authenticated": ("select",)}),
        pg.SchemaAccess(schema=SCHEMA, usage=("authenticated",)),
    ]
    revision = lab.migrate(Schema(metadata, declared))
    query = """
        select has_table_privilege('anon', 'lab.t', 'delete'),
            has_schema_privilege('anon', 'lab', 'create'),
            has_table_privilege('authenticated', 'lab.t', 'select')
    """
    assert lab.connection.exec_driver_sql(query).one() == (True, True, True)
    lab.run(revision.downgrade)
    assert everything(lab) == before


def test_dropped_column_comes_back_with_its_sequence(lab: Lab, keeper: str) -> None:
    as_owner(lab, keeper, "create table lab.things (id integer not null, number serial)")
    before = everything(lab)
    metadata = sa.MetaData()
    sa.Table(
        "things",
        metadata,
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        schema=SCHEMA,
    )
    revision = lab.migrate(Schema(metadata))
    lab.run(revision.downgrade)
    assert everything(lab) == before


def test_serial_column_of_a_table_of_another_owner_gets_its_sequence(lab: Lab, keeper: str) -> None:
    as_owner(lab, keeper, "create table lab.things (id integer primary key)")
    metadata = sa.MetaData()
    sa.Table("things", metadata, sa.Column("id", sa.Integer, primary_key=True), schema=SCHEMA)
    before = everything(lab)
    revision = lab.migrate(Schema(metadata))
    assert {owner for name, owner in owners(lab).items() if name != (SCHEMA,)} == {keeper}
    lab.run(revision.downgrade)
    assert everything(lab) == before


@pytest.mark.thorough
@pytest.mark.parametrize("security", ["invoker", "definer"])
def test_object_that_is_dropped_around_a_change_keeps_its_owner(
    lab: Lab, keeper: str, security: Security
) -> None:
    settings = {"search_path": pg.SAFE_SEARCH_PATH}
    secret = pg.Function(
        schema=SCHEMA,
        name="secret",
        returns="integer",
        body="select 1",
        security=security,
        settings=settings,
    )
    seen = pg.View(schema=SCHEMA, name="seen", definition="select lab.secret() as secret")
    lab.migrate(Schema(entities=[secret, seen]))
    run(
        lab,
        f"alter function lab.secret() owner to {keeper}; alter view lab.seen owner to {keeper}",
    )
    before = everything(lab)
    other = pg.Function(
        schema=SCHEMA,
        name="secret",
        returns="bigint",
        body="select 1::bigint",
        security=security,
        settings=settings,
    )
    revision = lab.migrate(Schema(entities=[other, seen]))
    found = owners(lab)
    assert {found[SCHEMA, "secret()"], found[SCHEMA, "seen"]} == {keeper}
    lab.run(revision.downgrade)
    assert everything(lab) == before


def test_privileges_of_the_migrating_role_on_what_comes_back_stay(lab: Lab, keeper: str) -> None:
    me = lab.connection.scalar(sa.text("select current_user"))
    as_owner(
        lab,
        keeper,
        f"create function lab.one() returns integer language sql return 1;"
        f" create view lab.seen as select 1 as id; create table lab.things (id integer);"
        f" grant execute on function lab.one() to {me};"
        f" grant select on lab.seen, lab.things to {me}",
    )
    before = everything(lab)
    lab.run(lab.migrate(Schema()).downgrade)
    assert everything(lab) == before


def test_drop_of_an_object_whose_owner_could_not_be_restored_is_refused(lab: Lab) -> None:
    run(
        lab,
        "create role lab_keeper; create role lab_migrator; grant lab_keeper to lab_migrator;"
        " grant create, usage on schema lab to lab_migrator;"
        " create function lab.secret() returns integer language sql security definer return 1;"
        " alter function lab.secret() owner to lab_keeper; set local role lab_migrator",
    )
    with pytest.raises(CommandError, match=r"(?s)secret\(\).*permission denied.*owner to"):
        lab.migrate(Schema())


def test_table_of_another_role_does_not_stop_the_others(lab: Lab) -> None:
    run(lab, "create role lab_other; create role lab_migrator")
    run(lab, "grant create, usage on schema lab to lab_migrator")
    run(lab, "create table lab.theirs (id integer); alter table lab.theirs owner to lab_other")
    run(lab, "set role lab_migrator")

    def declared(*columns: sa.Column[int]) -> Schema:
        metadata = sa.MetaData()
        sa.Table("theirs", metadata, sa.Column("id", sa.Integer), *columns, schema=SCHEMA)
        sa.Table("ours", metadata, sa.Column("id", sa.Integer), schema=SCHEMA)
        return Schema(metadata)

    lab.there_and_back(Schema(declared().metadata), declared())
    found = lab.differences(declared(sa.Column("number", sa.Integer, index=True)))
    assert [each for each in found if "undecided" not in each] == []
    assert "must be owner of table theirs" in str(found)
