"""A database with what the sample entities need."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection, create_engine

from tests.pg.samples import SETUP
from townhall.testing.databases import Databases


@pytest.fixture
def connection(
    server: Databases, empty_database_on: Callable[[Databases], str]
) -> Iterator[Connection]:
    """Yield a connection in a transaction that has what the samples need, and is rolled back."""
    engine = create_engine(empty_database_on(server))
    with engine.connect() as connection:
        for statement in SETUP:
            connection.execute(sa.text(statement))
        yield connection
        connection.rollback()
    engine.dispose()
