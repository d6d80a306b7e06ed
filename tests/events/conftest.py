"""Fixtures for tests of events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.events.data import insert_events
from tests.support.organizations import insert_organizations
from townhall.session import SessionFactory

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


@pytest.fixture
def connection(townhall_connection: Connection) -> Connection:
    """Return a connection to two organizations, each with an event."""
    insert_organizations(townhall_connection)
    insert_events(townhall_connection)
    return townhall_connection


@pytest.fixture
def sessions(connection: Connection) -> SessionFactory:
    """Return a factory of sessions on the connection, so that their work is rolled back."""
    return SessionFactory(connection)


@pytest.fixture
def committed(townhall_engine: Engine) -> Engine:
    """Return an engine on a database of this test's own, with the sample data committed."""
    with townhall_engine.begin() as connection:
        insert_organizations(connection)
        insert_events(connection)
    return townhall_engine
