"""Poolers that give each transaction another connection to the server."""

from __future__ import annotations

import select
import time
from typing import Any

import psycopg
from alembic.util import CommandError
from psycopg.pq.abc import PGconn
from sqlalchemy import Connection

POOLED = (
    "the database is reached through a connection pooler in transaction or statement mode, and"
    " nothing was changed: two migrations would not notice each other, and locks and settings would"
    " stay on connections that the application uses. Connect to the server directly, or through a"
    " pooler in session mode: on Supabase that is port 5432 instead of 6543, elsewhere the port of"
    " the server itself"
)
"""Why a migration is refused, and what to do."""

_ROUNDS = 3
_LIMIT = 5.0  # seconds for one answer
_STATEMENT_MODE = "statement pooling mode"


def refuse_pooler(connection: Connection, second: psycopg.Connection) -> None:
    """Refuse a connection through a pooler in transaction or statement mode.

    While the second connection is in a transaction, the first one asks again for its server
    process. Behind such a pooler it has another one by then, or gets none. The server process of
    the second one is compared as well, since a pooler may go round its connections in turn.

    Args:
        connection: The connection of the run, outside a transaction; it is invalidated where a
            pooler is found.
        second: A second one to the same address.

    Raises:
        CommandError: There is such a pooler.
    """
    driver_connection: Any = connection.connection.driver_connection
    if not _is_direct(driver_connection.pgconn, second.pgconn):
        connection.invalidate()
        raise CommandError(POOLED)


def explain_pooler(error: BaseException) -> None:
    """Refuse a pooler in statement mode by the error that it gives for a transaction.

    Raises:
        CommandError: The error is that one.
    """
    if _STATEMENT_MODE in str(error):
        raise CommandError(POOLED) from error


def _is_direct(first: PGconn, second: PGconn) -> bool:
    own = _server_process(first)
    other = None
    for _ in range(_ROUNDS):
        found = _server_process(second, "begin")
        if None in {own, found} or found == own or other not in {None, found}:
            return False
        other = found
        if _server_process(first) != own:
            return False
        second.exec_(b"rollback")
    return True


def _server_process(connection: PGconn, before: str = "") -> bytes | None:
    """Return the server process, or None if there is no answer in time.

    A pooler answers late while all its connections are in use, and psycopg would wait for it.
    """
    connection.send_query(f"{before}; select pg_backend_pid()".encode())
    connection.flush()
    end = time.monotonic() + _LIMIT
    answer = None
    while True:
        while connection.is_busy():
            if not select.select([connection.socket], [], [], max(0.0, end - time.monotonic()))[0]:
                return None
            connection.consume_input()
        result = connection.get_result()
        if result is None:
            return answer
        if result.ntuples:
            answer = result.get_value(0, 0)
        elif _STATEMENT_MODE.encode() in result.error_message:
            return None
