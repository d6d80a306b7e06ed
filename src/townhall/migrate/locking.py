"""The two guards of a migration: alone in its database, and never long in the application's way."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

_log = logging.getLogger(__name__)

_KEY = {"key": 0x746F776E68616C6C}  # "townhall" in ASCII
_PAUSE = 0.2  # seconds between two looks at the other's lock

_HOLDERS = """
    select coalesce(string_agg(pid::text, ', '), '?')
    from pg_catalog.pg_locks
    where locktype = 'advisory' and granted and objsubid = 1
        and (classid::bigint << 32 | objid::bigint) = :key
        and database = (select oid from pg_catalog.pg_database where datname = current_database())
"""

_TRY_AGAIN = (
    "The database is at the last revision that was completed. Run again when the application is"
    " less busy, or wait longer with -x lock_timeout=30s."
)


@contextmanager
def alone(connection: Connection) -> Iterator[None]:
    """Hold the migration lock of a database; whoever comes second waits until it is free.

    The session holds the lock, not a transaction: a revision that builds an index concurrently
    ends its transaction on the way. Waiting is done here, between transactions: a statement that
    waits on the server would itself be waited for by such an index, for ever.

    Args:
        connection: A connection outside a transaction, of a session that stays the same: not from
            a pooler in transaction mode.
    """
    if not _take(connection):
        holders = connection.scalar(text(_HOLDERS), _KEY)
        connection.rollback()
        _log.warning("Waiting for another migration of this database (server process %s)", holders)
        while not _take(connection):
            time.sleep(_PAUSE)
    try:
        yield
    finally:
        if _is_usable(connection):
            connection.rollback()
            connection.execute(text("select pg_advisory_unlock(:key)"), _KEY)
            connection.commit()


@contextmanager
def waiting_at_most(connection: Connection, duration: str) -> Iterator[None]:
    """Give up each wait for a lock after a while, for as long as the block lasts.

    Args:
        connection: A connection outside a transaction.
        duration: How long to wait, as PostgreSQL writes durations.

    Raises:
        CommandError: A lock could not be had in time, or ``duration`` is none.
    """
    before = connection.scalar(text("select current_setting('lock_timeout')"))
    try:
        _set_lock_timeout(connection, duration)
    except DBAPIError:
        connection.rollback()
        raise CommandError(
            f"lock_timeout={duration} is no duration: write such as 5s or 500ms"
        ) from None
    try:
        yield
    except DBAPIError as error:
        _raise_in_words(error, duration)
        raise
    finally:
        if _is_usable(connection):
            connection.rollback()
            _set_lock_timeout(connection, before)


def _take(connection: Connection) -> bool:
    taken = connection.scalar(text("select pg_try_advisory_lock(:key)"), _KEY)
    connection.commit()
    return bool(taken)


def _set_lock_timeout(connection: Connection, duration: str | None) -> None:
    connection.execute(
        text("select set_config('lock_timeout', :duration, false)"), {"duration": duration}
    )
    connection.commit()


def _is_usable(connection: Connection) -> bool:
    return not connection.closed and not connection.invalidated


def _raise_in_words(error: DBAPIError, duration: str) -> None:
    reason = {
        "55P03": f"gave up waiting for a lock after {duration}",
        "40P01": "stepped back from a deadlock with another session",
    }.get(getattr(error.orig, "sqlstate", None) or "")
    if reason is not None:
        first_line = (error.statement or "").strip().partition("\n")[0]
        raise CommandError(f"{reason}, at: {first_line}\n{_TRY_AGAIN}") from error
