"""Fixtures for tests of the wizard, on a server of each version in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.every_version import townhall_server
from tests.wizard.data import insert_wizard
from townhall.session import SessionFactory

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["townhall_server"]


@pytest.fixture
def connection(townhall_connection: Connection) -> Connection:
    """Return a connection to a session of the owner and one of the stranger."""
    insert_wizard(townhall_connection)
    return townhall_connection


@pytest.fixture
def sessions(connection: Connection) -> SessionFactory:
    """Return a factory of sessions on the connection, so that their work is rolled back."""
    return SessionFactory(connection)
