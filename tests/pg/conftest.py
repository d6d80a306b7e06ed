"""A database with what the sample entities need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection, create_engine

from tests.pg.samples import SETUP
from tests.support.servers import Servers
from townhall.testing.databases import Databases


@pytest.fixture(scope="session")
def empty_database_on(servers: Servers) -> Iterator[Callable[[Databases], str]]:
    """Return a function that gives the URL of an empty database, which is one for each server."""
    del servers  # they must outlive what is made on them
    known: dict[str, str] = {}
    with ExitStack() as stack:

        def empty_database_on(databases: Databases) -> str:
            server = str(databases.server)
            if server not in known:
                known[server] = stack.enter_context(databases.create())
            return known[server]

        yield empty_database_on


@pytest.fixture
def connection(
    server: Databases, empty_database_on: Callable[[Databases], str]
) -> Iterator[Connection]:
    """Yield a connection in a transaction that has what the samples need, and is rolled back."""
    engine = create_engine(empty_database_on(server))
    with engine.connect() as connection:
        for statement in SETUP:
            connection.execute(sa.text(statement))
        yield connection
        connection.rollback()
    engine.dispose()
