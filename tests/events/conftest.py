"""What tests of events begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.events.stage import set_up_events
from tests.support.stage import set_up_organizations
from townhall.session import SessionFactory

if TYPE_CHECKING:
    from sqlalchemy import Connection


@pytest.fixture
def connection(townhall_connection: Connection) -> Connection:
    """Return a connection to two organizations, each with an event."""
    set_up_organizations(townhall_connection)
    set_up_events(townhall_connection)
    return townhall_connection


@pytest.fixture
def sessions(connection: Connection) -> SessionFactory:
    """Return what makes sessions on the connection, so that all of it is rolled back."""
    return SessionFactory(connection)
