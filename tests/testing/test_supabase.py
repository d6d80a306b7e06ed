"""Databases like those of Supabase: the privileges of their roles, and fingerprints."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import ProgrammingError

from tests.support.fingerprint import fingerprint
from tests.support.supabase import DefaultPrivileges, SupabaseDatabase, supabase_database
from townhall.testing import create_account

if TYPE_CHECKING:
    from collections.abc import Iterator

    from townhall.testing.databases import Databases

_PRIVILEGES = text(
    """
    select string_agg(privilege_type, ' ' order by privilege_type) as privileges
    from pg_class, aclexplode(relacl)
    where oid = 'public.things'::regclass and grantee = 'anon'::regrole
    """
)


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        yield connection


@pytest.fixture(scope="module")
def untouched(townhall_databases: Databases) -> Iterator[SupabaseDatabase]:
    """Yield a database that tests leave as it is."""
    with supabase_database(townhall_databases, DefaultPrivileges.OPEN) as database:
        yield database


@pytest.fixture
def superuser(untouched: SupabaseDatabase) -> Iterator[Connection]:
    """Yield a connection that may do anything, all of which is rolled back."""
    with _connected(untouched.superuser) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def hosted(townhall_databases: Databases) -> Iterator[SupabaseDatabase]:
    with supabase_database(townhall_databases, DefaultPrivileges.OPEN) as database:
        yield database


def test_migrating_role_is_no_superuser_and_may_take_the_api_roles(
    hosted: SupabaseDatabase,
) -> None:
    with _connected(hosted.postgres) as connection:
        role = connection.execute(
            text("select * from pg_roles where rolname = current_user")
        ).mappings()
        attributes = role.one()
        for name in ("anon", "authenticated", "service_role"):
            connection.execute(text(f"set role {name}"))
            connection.execute(text("reset role"))
        connection.execute(text("create schema private"))
    assert attributes["rolname"] == "supabase_postgres"
    assert not attributes["rolsuper"]
    assert attributes["rolcreaterole"]
    assert attributes["rolcreatedb"]
    assert attributes["rolbypassrls"]


@pytest.mark.parametrize(
    "statement",
    [
        "alter table auth.users add column ours text",
        "create table auth.ours ()",
        "create or replace function auth.uid() returns uuid language sql as 'select null::uuid'",
        "comment on table auth.users is 'ours'",
        "alter table storage.objects disable row level security",
        "drop table realtime.messages",
        "set role supabase_auth_admin",
        "alter role anon superuser",
    ],
)
def test_migrating_role_cannot_change_objects_of_supabase(
    untouched: SupabaseDatabase, statement: str
) -> None:
    with (
        pytest.raises(ProgrammingError) as caught,
        _connected(untouched.postgres) as connection,
    ):
        connection.execute(text(statement))
    assert isinstance(caught.value.orig, InsufficientPrivilege)


def test_table_may_refer_to_accounts(hosted: SupabaseDatabase) -> None:
    with _connected(hosted.postgres) as connection:
        connection.execute(
            text(
                "create table public.things ("
                " id uuid references auth.users on delete cascade default auth.uid())"
            )
        )
    with _connected(hosted.auth_admin) as connection:
        account = create_account(connection)
    with _connected(hosted.postgres) as connection:
        connection.execute(text("insert into public.things values (:id)"), {"id": account})
    with _connected(hosted.auth_admin) as connection:
        connection.execute(text("delete from auth.users"))
    with _connected(hosted.postgres) as connection:
        assert connection.scalar(text("select count(*) from public.things")) == 0


@pytest.mark.parametrize(
    ("default_privileges", "expected"),
    [
        (
            DefaultPrivileges.OPEN,
            {"DELETE", "INSERT", "REFERENCES", "SELECT", "TRIGGER", "TRUNCATE", "UPDATE"},
        ),
        (DefaultPrivileges.CLOSED, {"REFERENCES", "TRIGGER", "TRUNCATE"}),
    ],
)
def test_new_table_gets_the_default_privileges_of_the_project(
    townhall_databases: Databases, default_privileges: DefaultPrivileges, expected: set[str]
) -> None:
    with (
        supabase_database(townhall_databases, default_privileges) as hosted,
        _connected(hosted.postgres) as connection,
    ):
        connection.execute(text("create table public.things ()"))
        granted = set(str(connection.scalar(_PRIVILEGES)).split())
    assert granted - {"MAINTAIN"} == expected


def test_every_version_can_be_set_up_like_supabase(supabase: SupabaseDatabase) -> None:
    with _connected(supabase.authenticator) as connection:
        connection.execute(text("set role authenticated"))
        assert connection.scalar(text("select auth.uid()")) is None


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        ("comment on table auth.users is 'ours'", 1),
        ("alter table auth.users add column ours text", 1),
        ("alter table auth.users disable row level security", 1),
        ("create index ours on auth.users (phone)", 2),
        ("create table auth.ours ()", 3),
        ("grant select on auth.users to anon", 1),
        ("grant select (email) on auth.users to anon", 1),
        ("grant usage on schema auth to pg_monitor", 1),
        ("revoke usage on schema public from anon", 1),
        ("alter schema storage owner to supabase_postgres", 1),
        ("create policy ours on storage.objects", 1),
        ("drop trigger update_objects_updated_at on storage.objects", 1),
        ("alter function auth.uid() security definer", 1),
        ("revoke execute on function auth.uid() from public", 1),
        ("drop event trigger pgrst_ddl_watch", 1),
        ("alter publication supabase_realtime add table auth.users", 1),
        ("alter default privileges in schema public grant select on tables to anon", 1),
        ("create type auth.ours as enum ('a')", 2),
    ],
)
def test_fingerprint_shows_a_change(superuser: Connection, change: str, lines: int) -> None:
    before = set(fingerprint(superuser))
    superuser.execute(text(change))
    after = set(fingerprint(superuser))
    assert max(len(before - after), len(after - before)) == lines


def test_fingerprint_ignores_changes_without_effect(superuser: Connection) -> None:
    before = fingerprint(superuser)
    for statement in (
        "revoke usage on schema public from anon",
        "grant usage on schema public to anon",
        "create table public.things (id uuid references auth.users)",
        "create view public.accounts as select id from auth.users",
    ):
        superuser.execute(text(statement))
    assert fingerprint(superuser) == before
