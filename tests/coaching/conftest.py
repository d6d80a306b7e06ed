"""Fixtures for tests of coaching, on a server of each version in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.coaching.data import insert_coaching
from tests.support.every_version import townhall_server
from townhall.session import SessionFactory

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

__all__ = ["townhall_server"]


@pytest.fixture
def connection(townhall_connection: Connection) -> Connection:
    """Return a connection to two tenants with a campaign each, and a campaign without one."""
    insert_coaching(townhall_connection)
    return townhall_connection


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
