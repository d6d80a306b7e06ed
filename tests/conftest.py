"""Fixtures of this project alone; those for applications too are in ``townhall.testing``."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.servers import EVERY_VERSION, MISSING_EXTENSION, Servers
from tests.support.supabase import DefaultPrivileges, SupabaseDatabase, supabase_database
from townhall.testing.databases import Databases, with_role

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator


# The distance of the cases of a thorough test that make test-thorough runs.
_EVERY = 6


@pytest.hookimpl(tryfirst=True)  # before tests are selected by their marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave most cases of a thorough test with more than two to the exhaustive tests."""
    seen: Counter[str] = Counter()
    for item in items:
        if item.get_closest_marker("thorough") and not item.get_closest_marker("exhaustive"):
            test = item.nodeid.partition("[")[0]
            if seen[test] > 1 and seen[test] % _EVERY:
                item.add_marker(pytest.mark.exhaustive)
            seen[test] += 1


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    """Skip a test that installs an extension which its server does not have."""
    try:
        return (yield)
    except Exception as error:
        missing = MISSING_EXTENSION.search(str(error))
        if missing is None:
            raise
        pytest.skip(f"on this server, {missing[0]}")


@pytest.fixture(scope="session", autouse=True)
def _output_is_plain() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    """Leave out the variable by which CI services have the output of programs coloured."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("FORCE_COLOR", raising=False)
        yield


@pytest.fixture
def empty_database(townhall_databases: Databases) -> Iterator[str]:
    """Yield the URL of an empty database, as a role that may create databases."""
    with townhall_databases.create() as url:
        yield url


@pytest.fixture
def owned_database(townhall_databases: Databases, townhall_owner: str | None) -> Iterator[str]:
    """Yield the URL of an empty database, as the ordinary role that owns it."""
    with townhall_databases.create(owner=townhall_owner) as url:
        yield with_role(url, townhall_owner)


@pytest.fixture(scope="session")
def servers(townhall_server: str) -> Iterator[Servers]:
    """Yield the servers by version; most tests ask for ``server`` instead."""
    with Servers(townhall_server) as servers:
        yield servers


@pytest.fixture(params=EVERY_VERSION)
def server(request: pytest.FixtureRequest, servers: Servers) -> Databases:
    """Return a factory of databases on a server of each version in turn, as its superuser."""
    return Databases(servers.url(request.param))


@pytest.fixture(scope="session")
def empty_database_on(servers: Servers) -> Callable[[Databases], str]:
    """Return a function that gives the URL of an empty database, which is one for each server."""
    return servers.once_each(Databases.create)


@pytest.fixture(scope="session")
def template_of(
    servers: Servers, townhall_migrate: Callable[[str], None]
) -> Callable[[Databases], str]:
    """Return a function that gives a migrated template on a server."""

    @contextmanager
    def migrated(databases: Databases) -> Iterator[str]:
        with databases.create(as_template=True) as url:
            townhall_migrate(url)
            yield url

    return servers.once_each(migrated)


@pytest.fixture(params=DefaultPrivileges)
def supabase(request: pytest.FixtureRequest, server: Databases) -> Iterator[SupabaseDatabase]:
    """Yield a database like Supabase's, on each version and of either time in turn."""
    with supabase_database(server, request.param) as database:
        yield database
