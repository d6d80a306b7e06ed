"""Fixtures for tests of people and organizations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from tests.support.organizations import GUEST, insert_organizations
from townhall import Profile

if TYPE_CHECKING:
    from sqlalchemy import Connection


@pytest.fixture
def connection(townhall_connection: Connection) -> Connection:
    """Return a connection to two organizations, and a profile of the guest's."""
    insert_organizations(townhall_connection)
    townhall_connection.execute(insert(Profile).values(id=GUEST, full_name="Dana Guest"))
    return townhall_connection
