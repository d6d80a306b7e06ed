"""A database with a row in every table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from tests.support.broken import FIRST_ROWS, TABLES
from tests.support.rows import fill
from townhall.session import SessionFactory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine


@pytest.fixture(scope="module")
def filled_once(townhall_shared_engine: Engine) -> Iterator[Connection]:
    """Yield a connection to rows in every table."""
    with townhall_shared_engine.connect() as connection:
        fill(connection)
        yield connection
        connection.rollback()


@pytest.fixture
def filled_connection(filled_once: Connection) -> Iterator[Connection]:
    """Yield a connection to rows in every table, whose changes are undone after the test."""
    with filled_once.begin_nested() as savepoint:
        yield filled_once
        savepoint.rollback()


@pytest.fixture
def filled_sessions(filled_connection: Connection) -> SessionFactory:
    """Return a factory of sessions on that connection."""
    return SessionFactory(filled_connection)


@pytest.fixture(scope="module")
def filled(townhall_shared_engine: Engine) -> Iterator[Connection]:
    """Yield a connection to rows in every table, whose triggers do not mend what is broken."""
    with townhall_shared_engine.connect() as connection:
        fill(connection)
        for table in TABLES:
            for column, value in FIRST_ROWS.get(table.name, {}).items():
                connection.execute(text(f"update public.{table.name} set {column} = {value}"))
            connection.execute(text("set constraints all immediate"))
            connection.execute(text(f"alter table public.{table.name} disable trigger user"))
        yield connection
        connection.rollback()
