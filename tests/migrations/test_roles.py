"""The roles that requests act as, which belong to the whole cluster, and the migrating role."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from alembic.util import CommandError
from sqlalchemy import Connection, NullPool, create_engine, make_url, text

from tests.support.alembic import start_alembic
from tests.support.dump import dump
from tests.support.privileges import declared_privileges, effective_privileges
from tests.support.rows import fill
from tests.support.servers import EVERY_VERSION, NAMED, serve_version
from tests.support.waiting import wait_for_migrations
from townhall.migrate import downgrade, upgrade
from townhall.pg import API_ROLES
from townhall.testing import acting
from townhall.testing.databases import Databases

if TYPE_CHECKING:
    from collections.abc import Iterator

OWNER = "townhall_owner"


@pytest.fixture(scope="module", params=EVERY_VERSION)
def own_cluster(request: pytest.FixtureRequest) -> Iterator[Databases]:
    """Yield a server without any roles of ours."""
    if request.param == NAMED:
        pytest.skip("others may use the roles of the server that was named")
    with serve_version(request.param) as url:
        yield Databases(url)


@pytest.fixture
def cluster(own_cluster: Databases) -> Iterator[Databases]:
    """Yield a server without the API's roles."""
    yield own_cluster
    with _connected(own_cluster) as connection:
        for role in (*API_ROLES, OWNER):
            connection.execute(text(f"drop role if exists {role}"))


@contextmanager
def _connected(databases: Databases) -> Iterator[Connection]:
    engine = create_engine(databases.server, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection


@contextmanager
def _owned_database(cluster: Databases, attributes: str) -> Iterator[str]:
    """Hold a database whose owner is no superuser."""
    with cluster.create() as url, _connected(cluster) as connection:
        connection.execute(text(f"create role {OWNER} login {attributes}"))
        database = make_url(url).database
        connection.execute(text(f'alter database "{database}" owner to {OWNER}'))
        yield make_url(url).set(username=OWNER).render_as_string(hide_password=False)


def _roles(cluster: Databases) -> dict[str, dict[str, Any]]:
    with _connected(cluster) as connection:
        rows = connection.execute(
            text("select * from pg_roles where rolname = any (:names)"), {"names": list(API_ROLES)}
        )
        return {row["rolname"]: dict(row) for row in rows.mappings()}


@pytest.mark.exhaustive
def test_created_roles_cannot_log_in_and_only_the_service_bypasses_rls(
    cluster: Databases,
) -> None:
    with cluster.create() as url:
        upgrade(url)
        roles = _roles(cluster)
        assert roles.keys() == set(API_ROLES)
        assert not any(role["rolcanlogin"] or role["rolsuper"] for role in roles.values())
        assert [name for name, role in roles.items() if role["rolbypassrls"]] == ["service_role"]
        downgrade(url, "base")
        assert _roles(cluster) == roles


@pytest.mark.exhaustive
def test_existing_roles_are_left_unchanged(cluster: Databases) -> None:
    with cluster.create() as url:
        with _connected(cluster) as connection:
            connection.execute(text("create role anon login inherit connection limit 3"))
            connection.execute(text("create role service_role nologin"))
            connection.execute(text("comment on role anon is 'ours'"))
        before = _roles(cluster)
        upgrade(url)
        downgrade(url, "base")
        upgrade(url)
        assert {name: _roles(cluster)[name] for name in before} == before


def test_owner_with_createrole_migrates_without_a_superuser(cluster: Databases) -> None:
    with _owned_database(cluster, "createrole") as url:
        upgrade(url)
        assert not _roles(cluster)["service_role"]["rolbypassrls"]
        with create_engine(url, poolclass=NullPool).begin() as connection:
            fill(connection)
            assert effective_privileges(connection) == declared_privileges()
            with acting(connection, "service_role"):
                assert connection.scalar(text("select count(*) from public.events")) == 1
            with acting(connection, "authenticated"):
                assert connection.scalar(text("select count(*) from public.events")) == 0
        downgrade(url, "base")


@pytest.mark.exhaustive
def test_owner_without_createrole_migrates_once_the_roles_are_granted(cluster: Databases) -> None:
    with _owned_database(cluster, "nocreaterole") as url:
        with pytest.raises(CommandError, match="permission denied to create role"):
            upgrade(url)
        with _connected(cluster) as connection:
            for role in API_ROLES:
                connection.execute(text(f"create role {role} nologin"))
                connection.execute(text(f"grant {role} to {OWNER}"))
        upgrade(url)
        downgrade(url, "base")


@pytest.mark.exhaustive
def test_two_databases_of_a_new_cluster_migrate_concurrently(cluster: Databases) -> None:
    with cluster.create() as one, cluster.create() as other:
        with _connected(cluster) as connection, _connected(cluster) as watch:
            connection.execute(text("begin"))
            connection.execute(text("create role anon nologin"))
            both = [start_alembic("upgrade", "head", url=url) for url in (one, other)]
            wait_for_migrations(watch, 2, one, other, event="Lock")
            connection.execute(text("rollback"))
        for process in both:
            output, _ = process.communicate()
            assert process.returncode == 0, output
        assert dump(one) == dump(other)
