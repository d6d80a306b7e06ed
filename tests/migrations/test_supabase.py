"""The chain on databases like Supabase's, migrated by a role that is no superuser."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest
from alembic import command
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import ProgrammingError

from tests.support.fingerprint import fingerprint
from tests.support.privileges import declared_privileges, effective_privileges
from tests.support.rows import contents, fill
from tests.support.servers import EVERY_VERSION, Servers
from tests.support.supabase import DefaultPrivileges, SupabaseDatabase, supabase_database
from townhall.migrate import alembic_config, downgrade, upgrade
from townhall.testing import acting, create_account
from townhall.testing.databases import Databases

if TYPE_CHECKING:
    from collections.abc import Iterator


class Migrated(NamedTuple):
    """A database that was migrated, and the fingerprint of Supabase's objects before it."""

    database: SupabaseDatabase
    before: list[str]


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        yield connection


@pytest.fixture(scope="module", params=EVERY_VERSION)
def version(request: pytest.FixtureRequest, servers: Servers) -> Databases:
    return Databases(servers.url(request.param))


@pytest.fixture(scope="module", params=DefaultPrivileges)
def migrated(request: pytest.FixtureRequest, version: Databases) -> Iterator[Migrated]:
    """Yield a database that the non-superuser migrated, with a row in every table."""
    with supabase_database(version, request.param) as database:
        with _connected(database.superuser) as connection:
            before = fingerprint(connection)
        upgrade(database.postgres)
        with _connected(database.superuser) as connection:
            fill(connection)
        yield Migrated(database, before)


def test_upgrade_leaves_supabases_objects_unchanged(migrated: Migrated) -> None:
    with _connected(migrated.database.superuser) as connection:
        assert fingerprint(connection) == migrated.before


def test_created_objects_are_owned_by_the_migrating_role(migrated: Migrated) -> None:
    with _connected(migrated.database.superuser) as connection:
        owners = connection.scalars(
            text(
                """
                select distinct pg_get_userbyid(c.relowner)
                from pg_class as c
                where c.relnamespace = to_regnamespace('public')
                union
                select pg_get_userbyid(p.proowner)
                from pg_proc as p
                where p.pronamespace in (to_regnamespace('public'), to_regnamespace('private'))
                """
            )
        )
        assert set(owners) == {"supabase_postgres"}


def test_api_roles_hold_exactly_the_declared_privileges(migrated: Migrated) -> None:
    with _connected(migrated.database.superuser) as connection:
        assert effective_privileges(connection) == declared_privileges()


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_api_roles_cannot_read_the_version_table(role: str, migrated: Migrated) -> None:
    with (
        _connected(migrated.database.postgres) as connection,
        pytest.raises(ProgrammingError, match="permission denied for table alembic_version"),
        acting(connection, role),
    ):
        connection.execute(text("select * from public.alembic_version"))


def test_role_that_owns_accounts_creates_updates_and_deletes_them(migrated: Migrated) -> None:
    with _connected(migrated.database.superuser) as connection:
        accounts = list(connection.scalars(text("select id from auth.users")))
        of_people = set(connection.scalars(_TABLES_THAT_GO_WITH_AN_ACCOUNT))
    with _connected(migrated.database.auth_admin) as connection:
        create_account(connection)
        for account in accounts:
            connection.execute(
                text("update auth.users set email = id || '@example.com' where id = :id"),
                {"id": account},
            )
            connection.execute(text("delete from auth.users where id = :id"), {"id": account})
    with _connected(migrated.database.superuser) as connection:
        remaining = {table for table, rows in contents(connection).items() if rows}
    assert of_people
    assert not of_people & remaining
    assert remaining >= {"organizations", "events", "participants"}


@pytest.mark.exhaustive
def test_downgrade_drops_exactly_what_the_upgrade_created(migrated: Migrated) -> None:
    downgrade(migrated.database.postgres, "base")
    with _connected(migrated.database.superuser) as connection:
        assert fingerprint(connection) == migrated.before
        assert list(connection.scalars(_OURS)) == ["alembic_version"]
    upgrade(migrated.database.postgres)
    with _connected(migrated.database.superuser) as connection:
        assert effective_privileges(connection) == declared_privileges()


@pytest.mark.exhaustive
@pytest.mark.parametrize("default_privileges", DefaultPrivileges)
def test_superuser_migrates_with_the_same_privileges(
    default_privileges: DefaultPrivileges, townhall_databases: Databases
) -> None:
    with supabase_database(townhall_databases, default_privileges) as database:
        with _connected(database.superuser) as connection:
            before = fingerprint(connection)
        upgrade(database.superuser)
        with _connected(database.superuser) as connection:
            assert fingerprint(connection) == before
            assert effective_privileges(connection) == declared_privileges()
            fill(connection)
        with _connected(database.auth_admin) as connection:
            connection.execute(text("delete from auth.users"))


@pytest.mark.thorough
@pytest.mark.parametrize("default_privileges", DefaultPrivileges)
def test_version_table_created_by_a_stamp_grants_nothing_to_api_roles(
    default_privileges: DefaultPrivileges, townhall_databases: Databases
) -> None:
    with supabase_database(townhall_databases, default_privileges) as database:
        command.stamp(alembic_config(database.postgres), "head")
        with _connected(database.superuser) as connection:
            on_public = {p for p in effective_privileges(connection) if "alembic" in p.target}
    assert on_public == set()


_TABLES_THAT_GO_WITH_AN_ACCOUNT = text("""
with recursive going as (
    select 'auth.users'::regclass as oid
    union
    select c.conrelid
    from pg_constraint as c
    join going on going.oid = c.confrelid
    where c.confdeltype = 'c'
)

select c.relname
from going
join pg_class as c on c.oid = going.oid
where c.relnamespace = 'public'::regnamespace
""")

_OURS = text("""
select c.relname
from pg_class as c
where c.relnamespace in (to_regnamespace('public'), to_regnamespace('private')) and c.relkind <> 'i'
union all
select p.proname
from pg_proc as p
where p.pronamespace in (to_regnamespace('public'), to_regnamespace('private'))
""")
