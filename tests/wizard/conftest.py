"""Fixtures for tests of the wizard, on a server of each version in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.every_version import townhall_server
from tests.support.sample_data import engine_with, rolled_back
from tests.wizard.data import insert_wizard
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
        engine_with(url, insert_wizard) as engine,
    ):
        yield engine


@pytest.fixture
def connection(shared_engine: Engine) -> Iterator[Connection]:
    """Yield a connection to a session of the owner and one of the stranger.

    Its transaction is rolled back.
    """
    with rolled_back(shared_engine) as connection:
        yield connection


@pytest.fixture
def sessions(connection: Connection) -> SessionFactory:
    """Return a factory of sessions on the connection, so that their work is rolled back."""
    return SessionFactory(connection)
