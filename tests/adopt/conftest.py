"""Two states of one schema, in a transaction that is rolled back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import pytest
from sqlalchemy import Connection, NullPool, create_engine, text

from tests.adopt.places import Place, make_place
from tests.support.servers import Servers
from townhall.adopt import Difference, Finding, States, compare
from townhall.adopt.looking import findings_of
from townhall.check.history import DeclaredSettings
from townhall.check.snapshot import Key, Snapshot, read
from townhall.pg.catalog import Body, empty_search_path, read_bodies, read_readers
from townhall.roles import Roles
from townhall.testing.databases import Databases

Compared = Callable[[str, str], list[Difference]]
Keep = Callable[[Key], bool]


class Found(Protocol):
    """Looks at what a script makes, where another one is declared and some objects were kept."""

    def __call__(self, declared: str, actual: str, keep: Keep = ...) -> list[Finding]: ...


@pytest.fixture
def connection(
    server: Databases, empty_database_on: Callable[[Databases], str]
) -> Iterator[Connection]:
    """Yield a connection to an empty database, in a transaction that is rolled back."""
    with create_engine(empty_database_on(server), poolclass=NullPool).connect() as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def compared(connection: Connection) -> Compared:
    """Return a function that compares what two scripts make in the schema ``public``."""

    def state(script: str) -> Snapshot:
        with connection.begin_nested() as savepoint:
            connection.execute(text(script.replace(":", r"\:")))
            snapshot = read(connection, ["public"], [])
            savepoint.rollback()
        return snapshot

    def compared(declared: str, actual: str) -> list[Difference]:
        return compare(state(declared), state(actual))

    return compared


@pytest.fixture
def found(connection: Connection) -> Found:
    """Return a function that looks at what a script makes, where another one is declared."""

    def run(script: str) -> None:
        connection.exec_driver_sql(script, execution_options={"no_parameters": True})

    def bodies() -> list[Body]:
        with empty_search_path(connection):
            return read_bodies(connection)

    def found(declared: str, actual: str, keep: Keep = lambda _: False) -> list[Finding]:
        with connection.begin_nested() as savepoint:
            run(declared)
            wanted, declared_bodies = read(connection, ["public"], []), bodies()
            savepoint.rollback()
        with connection.begin_nested() as savepoint:
            run(actual)
            with empty_search_path(connection):
                readers = read_readers(connection, ["public"])
            existing = read(connection, ["public"], [])
            states = States(
                declared=wanted,
                actual=existing,
                settings=DeclaredSettings(None, Roles(None, None, None), ()),
                current=frozenset(),
                made={},
                declared_bodies=declared_bodies,
                bodies=bodies(),
                readers=readers,
                kept=frozenset(filter(keep, existing)),
            )
            findings = list(findings_of(connection, states))
            savepoint.rollback()
        return findings

    return found


@pytest.fixture
def place(request: pytest.FixtureRequest, servers: Servers) -> Iterator[Place]:
    """Yield an empty database of the version and the platform that a test names."""
    version, platform = request.param
    with make_place(Databases(servers.url(version)), platform) as place:
        yield place
