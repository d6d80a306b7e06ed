"""Fixtures for tests of coaching, on a server of each version in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.coaching.data import insert_coaching
from tests.support.every_version import townhall_server
from tests.support.sample_data import engine_with, rolled_back
from townhall.session import SessionFactory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

    from townhall.testing.databases import Databases

__all__ = ["townhall_server"]


@pytest.fixture(scope="session")
def shared_engine(
    townhall_databases: Databases, townhall_owner: str | None, townhall_template: str
) -> Iterator[Engine]:
    """Yield an engine on the sample data that tests share: each rolls back what it writes."""
    with (
        townhall_databases.create(townhall_template, owner=townhall_owner) as url,
        engine_with(url, insert_coaching) as engine,
    ):
        yield engine


@pytest.fixture
def connection(shared_engine: Engine) -> Iterator[Connection]:
    """Yield a connection to two tenants with a campaign each, and a campaign without one.

    Its transaction is rolled back.
    """
    with rolled_back(shared_engine) as connection:
        yield connection


@pytest.fixture
def sessions(connection: Connection) -> SessionFactory:
    """Return a factory of sessions on the connection, so that their work is rolled back."""
    return SessionFactory(connection)


@pytest.fixture
def committed(townhall_engine: Engine) -> Engine:
    """Return an engine on a database of this test's own, with the sample data committed."""
    with townhall_engine.begin() as connection:
        insert_coaching(connection)
    return townhall_engine
