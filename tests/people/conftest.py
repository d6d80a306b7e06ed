"""A database with the people and their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from tests.people.town import settle
from townhall.session import SessionFactory
from townhall.testing.accounts import managing_accounts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine


@pytest.fixture(scope="module")
def settled(townhall_shared_engine: Engine) -> Iterator[Connection]:
    """Yield a connection with the people, on which the service may delete accounts."""
    with townhall_shared_engine.connect() as connection, connection.begin() as transaction:
        settle(connection)
        with managing_accounts(connection):
            connection.execute(text("grant select, update, delete on auth.users to service_role"))
        yield connection
        transaction.rollback()


@pytest.fixture
def town(settled: Connection) -> Iterator[Connection]:
    """Yield that connection, and roll back what a test does."""
    with settled.begin_nested() as savepoint:
        yield settled
        savepoint.rollback()


@pytest.fixture
def sessions(town: Connection) -> SessionFactory:
    """Return a factory of sessions in the transaction of the test."""
    return SessionFactory(town)
