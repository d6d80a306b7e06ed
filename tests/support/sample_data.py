"""Databases whose sample data is inserted once and shared: each test rolls back what it writes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import create_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine


@contextmanager
def engine_with(url: str, *inserts: Callable[[Connection], None]) -> Iterator[Engine]:
    """Insert sample data into a database, and yield an engine on it."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for insert in inserts:
            insert(connection)
    yield engine
    engine.dispose()


@contextmanager
def rolled_back(engine: Engine) -> Iterator[Connection]:
    """Yield a connection in a transaction that is rolled back at the end."""
    with engine.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()
