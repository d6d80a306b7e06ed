"""Fixtures for tests of people and organizations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from tests.support.organizations import GUEST, insert_organizations
from tests.support.sample_data import engine_with, rolled_back
from townhall import Profile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

    from townhall.testing.databases import Databases


@pytest.fixture(scope="session")
def shared_engine(
    townhall_databases: Databases, townhall_owner: str | None, townhall_template: str
) -> Iterator[Engine]:
    """Yield an engine on the sample data that tests share: each rolls back what it writes."""
    with (
        townhall_databases.create(townhall_template, owner=townhall_owner) as url,
        engine_with(url, insert_organizations, _insert_profile) as engine,
    ):
        yield engine


@pytest.fixture
def connection(shared_engine: Engine) -> Iterator[Connection]:
    """Yield a connection to two organizations, and a profile of the guest's.

    Its transaction is rolled back.
    """
    with rolled_back(shared_engine) as connection:
        yield connection


def _insert_profile(connection: Connection) -> None:
    connection.execute(insert(Profile).values(id=GUEST, full_name="Dana Guest"))
