"""Two states of one schema, in a transaction that is rolled back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import Connection, NullPool, create_engine, text

from townhall.adopt import Difference, compare
from townhall.check.snapshot import Snapshot, read
from townhall.testing.databases import Databases

Compared = Callable[[str, str], list[Difference]]


@pytest.fixture(scope="session")
def empty_on() -> Iterator[Callable[[Databases], str]]:
    """Return a function that creates an empty database on a server, once per server."""
    known: dict[str, str] = {}
    with ExitStack() as stack:

        def empty_on(databases: Databases) -> str:
            server = str(databases.server)
            if server not in known:
                known[server] = stack.enter_context(databases.create())
            return known[server]

        yield empty_on


@pytest.fixture
def connection(server: Databases, empty_on: Callable[[Databases], str]) -> Iterator[Connection]:
    """Yield a connection to an empty database, in a transaction that is rolled back."""
    with create_engine(empty_on(server), poolclass=NullPool).connect() as connection:
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
