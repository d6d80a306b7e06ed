"""Fixtures for tests of the whole schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.rows import fill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine


@pytest.fixture(scope="module")
def filled_database(townhall_shared_engine: Engine) -> Iterator[Connection]:
    """Yield a connection to a database with a row in every table, for a module's tests."""
    with townhall_shared_engine.connect() as connection, connection.begin() as transaction:
        fill(connection)
        yield connection
        transaction.rollback()


@pytest.fixture
def filled(filled_database: Connection) -> Iterator[Connection]:
    """Yield that connection, and roll back what a test does."""
    with filled_database.begin_nested() as savepoint:
        yield filled_database
        savepoint.rollback()
