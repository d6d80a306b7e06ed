"""The repair of a danger in Python: what autogenerate makes of it is what its SQL makes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection, Engine, MetaData

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from townhall import pg
from townhall.check.dangers import dangers, read_rules
from townhall.check.dangers.kinds import Danger
from townhall.check.findings import Finding
from townhall.pg import Entity, Routine
from townhall.pg.catalog import empty_search_path, read_tables
from townhall.pg.state import read_state

BASE = """
    create table lab.posts (
        id bigint primary key, owner_id uuid, kind text, parent_id bigint references lab.posts,
        checked_by bigint
    );
    create index on lab.posts (parent_id);
    alter table lab.posts enable row level security;
    create function lab.role_of_caller() returns text language sql stable
    as $$ select current_setting('request.jwt.claims', true)::jsonb ->> 'role' $$;
    revoke execute on function lab.role_of_caller() from public, anon, authenticated, service_role
"""
"""What is there beside a danger, and stays as it is."""

CASES = {
    "view": (
        Danger.OWNERS_VIEW,
        """
        create view lab."Of all" with (security_barrier, check_option = local) as
        select id, kind from lab.posts;
        comment on view lab."Of all" is 'It''s for all'; comment on column lab."Of all".id is 'Key';
        grant select (id), update on lab."Of all" to authenticated; grant all on lab."Of all" to
        service_role
        """,
    ),
    "view that says it is no invoker": (
        Danger.OWNERS_VIEW,
        """
        create view lab.v with (security_invoker = no) as select id from lab.posts;
        grant select on lab.v to anon
        """,
    ),
    "materialized view": (
        Danger.OWNERS_VIEW,
        """
        create materialized view lab.v as select id, kind from lab.posts;
        create unique index "By key" on lab.v (id);
        grant select on lab.v to anon, authenticated, service_role
        """,
    ),
    "definer function for everybody": (
        Danger.ANONYMOUS_DEFINER,
        """
        create function lab."Count"(kind text default 'it''s "one"', out n bigint) language sql
        stable parallel safe security definer set search_path = '' set statement_timeout = '5s'
        as $$ select count(*) from lab.posts as p where p.kind = $1 $$;
        comment on function lab."Count"(text) is 'How many'
        """,
    ),
    "definer procedure without a path": (
        Danger.ANONYMOUS_DEFINER,
        """
        create procedure lab.clean(integer) language plpgsql security definer
        as $$ begin delete from lab.posts where id = $1; end $$
        """,
    ),
    "definer function with a path": (
        Danger.UNSAFE_SEARCH_PATH,
        """
        create function lab.f() returns trigger language plpgsql security definer
        set search_path = public, "Odd, one" as $$ begin return new; end $$
        """,
    ),
    "definer function with a schema in which callers may create": (
        Danger.UNSAFE_SEARCH_PATH,
        """
        grant create on schema lab to authenticated, service_role;
        create function lab.f() returns integer language sql security definer
        set search_path = lab, pg_temp as 'select 1';
        revoke execute on function lab.f() from public;
        grant execute on function lab.f() to service_role with grant option
        """,
    ),
    "definer function that some may pass on": (
        Danger.ANONYMOUS_DEFINER,
        """
        create function lab.f() returns integer language sql security definer
        set search_path = lab, pg_temp as 'select 1';
        grant execute on function lab.f() to service_role with grant option
        """,
    ),
    "user metadata in a function": (
        Danger.USER_METADATA,
        """
        create function lab.is_admin() returns boolean language sql stable
        return current_setting('request.jwt.claims', true)::jsonb -> 'user_metadata' ->> 'a' = 'b';
        create policy p on lab.posts for select to authenticated using ((select lab.is_admin()))
        """,
    ),
    "user metadata in a view": (
        Danger.USER_METADATA,
        """
        create table lab.users (id uuid primary key, raw_user_meta_data jsonb,
            raw_app_meta_data jsonb);
        alter table lab.users enable row level security;
        create view lab.roles with (security_invoker = on) as
        select id, raw_user_meta_data, 1 as "user_metadata ""too" from lab.users;
        grant select on lab.roles to authenticated;
        create policy p on lab.posts for select to authenticated using (exists (
            select from lab.roles as r
            where r.id = posts.owner_id and r.raw_user_meta_data ->> 'role' = 'admin'
        ))
        """,
    ),
    "definer function that trusts user metadata": (
        Danger.USER_METADATA,
        """
        create function lab.is_admin() returns boolean language plpgsql stable security definer
        as $$
        begin
            -- auth.jwt() -> 'user_metadata'
            return current_setting('request.jwt.claims', true)::jsonb #>> '{user_metadata,a}' = 'b';
        end
        $$;
        create policy p on lab.posts for select to authenticated using ((select lab.is_admin()))
        """,
    ),
    "policies": (
        Danger.SEVERAL_PERMISSIVE,
        """
        create policy a on lab.posts to authenticated using (kind = 'a') with check (true);
        create policy b on lab.posts for update to authenticated using (kind = current_setting('x'))
        """,
    ),
    "policy that goes": (
        Danger.WRITABLE_BY_ALL,
        "create policy a on lab.posts for insert to authenticated with check (not false)",
    ),
    "table": (
        Danger.NO_ROW_SECURITY,
        """
        create table lab.t (id integer primary key, s text);
        grant select, update (s) on lab.t to authenticated
        """,
    ),
    "foreign keys": (
        Danger.NO_INDEX,
        """
        alter table lab.posts add foreign key (checked_by) references lab.posts;
        create table lab."T" (id integer primary key, "A b" bigint, b bigint,
            foreign key ("A b") references lab.posts);
        alter table lab."T" enable row level security;
        create index "T_A b_idx" on lab."T" (b)
        """,
    ),
}
"""By name: a danger, and what makes it."""


@pytest.fixture
def lab(townhall_shared_engine: Engine) -> Iterator[Lab]:
    """Yield a schema that callers can use, in a transaction that is rolled back."""
    with townhall_shared_engine.connect() as connection, connection.begin() as transaction:
        run(connection, f"create schema {SCHEMA}; grant usage on schema {SCHEMA} to public")
        run(connection, BASE)
        yield Lab(connection)
        transaction.rollback()


def run(connection: Connection, sql: str) -> None:
    connection.exec_driver_sql(sql, execution_options={"no_parameters": True})


def found(connection: Connection) -> list[Finding]:
    told = dangers(connection, read_rules(connection, None, (SCHEMA,)))
    return [each for each in told if SCHEMA in each.object]


def declared(connection: Connection) -> Schema:
    """Return the declaration of what is there."""
    metadata = MetaData()
    metadata.reflect(connection, SCHEMA)
    entities = [
        type(each).found(**{**vars(each), "search_path": "as found"})
        if isinstance(each, Routine) and each.is_hijackable
        else each
        for each in read_state(connection, [SCHEMA]).values()
        if each.schema == SCHEMA
    ]
    return Schema(metadata, entities)


def objects(connection: Connection) -> dict[str, Any]:
    """Return all that is there, the rest of the database included."""
    with empty_search_path(connection):
        tables = read_tables(connection, [SCHEMA, "public", "auth"])
    state = read_state(connection, [SCHEMA, "public", "private", "auth"])
    return {**{str(key): each for key, each in state.items()}, **{repr(e): e for e in tables}}


def repaired(schema: Schema, told: list[Finding]) -> Schema:
    """Return a declaration with what the findings say to declare, in Python."""
    entities: dict[tuple[str, ...], Any] = {
        each.key: each for each in schema.entities if isinstance(each, Entity)
    }
    for finding in told:
        source, _, comment = (finding.python or "").partition("# ")
        for name in re.findall(r'"[^"]+"', comment):
            entities = {key: each for key, each in entities.items() if json.loads(name) not in key}
        for each in eval(f"[{source}]", {"pg": pg, "sa": sa}):  # noqa: S307 - our own
            if isinstance(each, sa.Index):
                add_index(schema.metadata, finding, each)
            else:
                entities[each.key] = each
    return Schema(schema.metadata, list(entities.values()))


def add_index(metadata: MetaData, finding: Finding, index: sa.Index) -> None:
    (table,) = [
        each
        for key, each in metadata.tables.items()
        if finding.object.startswith(f"constraint {key} ")
    ]
    sa.Table(table.name, metadata, index, schema=table.schema, extend_existing=True)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(each, marks=() if each in {"view", "foreign keys"} else pytest.mark.thorough)
        for each in CASES
    ],
)
def test_python_of_a_repair_ends_the_danger_and_changes_nothing_else(lab: Lab, name: str) -> None:
    danger, made_by = CASES[name]
    run(lab.connection, made_by)
    told = found(lab.connection)
    assert danger in {each.danger for each in told}
    schema = declared(lab.connection)
    assert lab.differences(schema) == []
    with lab.connection.begin_nested() as point:
        for each in told:
            run(lab.connection, each.repair)
        assert found(lab.connection) == []
        by_sql = objects(lab.connection)
        point.rollback()
    lab.migrate(repaired(schema, told))
    assert found(lab.connection) == []
    assert objects(lab.connection) == by_sql
