"""Databases at head on each server, and their snapshots."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from sqlalchemy import Connection, NullPool, create_engine

from townhall.check.snapshot import Snapshot, read
from townhall.pg.catalog import schema_names
from townhall.roles import SUPABASE
from townhall.testing.databases import Databases


class AtHead(NamedTuple):
    """A migrated database, to clone others from, and its snapshot."""

    url: str
    schemas: list[str]
    snapshot: Snapshot


@pytest.fixture(scope="session")
def at_head_on(template_of: Callable[[Databases], str]) -> Callable[[Databases], AtHead]:
    """Return a function that migrates a database on a server and reads it, once per server."""
    known: dict[str, AtHead] = {}

    def at_head_on(databases: Databases) -> AtHead:
        url = template_of(databases)
        if url not in known:
            with create_engine(url, poolclass=NullPool).connect() as connection:
                schemas = schema_names(connection)
                known[url] = AtHead(url, schemas, read(connection, schemas, SUPABASE.names))
        return known[url]

    return at_head_on


@pytest.fixture
def at_head(server: Databases, at_head_on: Callable[[Databases], AtHead]) -> AtHead:
    """Return the database at head on a server of each version in turn; it is only read."""
    return at_head_on(server)


@pytest.fixture
def database(server: Databases, at_head: AtHead) -> Iterator[str]:
    """Yield the URL of a database at head that only this test uses, on each version."""
    with server.create(at_head.url) as url:
        yield url


@pytest.fixture
def connection(at_head: AtHead) -> Iterator[Connection]:
    """Yield a connection to a database at head in a transaction that is rolled back."""
    with create_engine(at_head.url, poolclass=NullPool).connect() as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def scratch(server: Databases) -> str:
    """Return the URL of the server for scratch databases."""
    return server.server.render_as_string(hide_password=False)
