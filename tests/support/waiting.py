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
        and (cast(:event as text) is null or wait_event_type = :event)
    """
)
_TIMEOUT = 60  # seconds
_PAUSE = 0.05


def wait_for_migrations(
    connection: Connection, expected: int, *urls: str, event: str | None = None
) -> None:
    """Wait until a number of migrations is running.

    Args:
        connection: A connection outside a transaction to any database; it is left so.
        expected: How many.
        urls: The databases that they migrate.
        event: The type of what those that count wait for, such as Lock or Timeout; None for all.

    Raises:
        AssertionError: The number was not reached in time.
    """
    values = {"databases": [make_url(url).database for url in urls], "event": event}
    end = time.monotonic() + _TIMEOUT
    while (found := connection.scalar(_SESSIONS, values)) != expected:
        connection.rollback()
        assert time.monotonic() < end, f"{found} migrations, and never {expected}"
        time.sleep(_PAUSE)
    connection.rollback()
