"""Waiting for migrations in other processes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sqlalchemy import make_url, text

if TYPE_CHECKING:
    from sqlalchemy import Connection

_SESSIONS = text(
    """
    select count(*)
    from pg_stat_activity
    where application_name = 'townhall' and datname = any (:databases)
        and (wait_event_type = 'Lock' or not :blocked)
    """
)
_TIMEOUT = 60  # seconds
_PAUSE = 0.05


def wait_for_migrations(
    connection: Connection, expected: int, *urls: str, blocked: bool = False
) -> None:
    """Wait until a number of migrations is running.

    Args:
        connection: A connection outside a transaction to any database; it is left so.
        expected: How many.
        urls: The databases that they migrate.
        blocked: Whether to count only those that wait for a lock.

    Raises:
        AssertionError: The number was not reached in time.
    """
    values = {"databases": [make_url(url).database for url in urls], "blocked": blocked}
    end = time.monotonic() + _TIMEOUT
    while (found := connection.scalar(_SESSIONS, values)) != expected:
        connection.rollback()
        assert time.monotonic() < end, f"{found} migrations, and never {expected}"
        time.sleep(_PAUSE)
    connection.rollback()
