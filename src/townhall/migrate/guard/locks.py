"""The locks of a run: one migration at a time, and comparisons that give up soon."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from townhall.migrate.guard.give_ups import blocked_by
from townhall.migrate.guard.limits import is_usable, transaction_limits
from townhall.migrate.guard.lock_timeouts import PAUSE, LockTimeout
from townhall.migrate.guard.sessions import COLUMNS, listed, of_rows
from townhall.migrate.guard.wait_limits import WaitLimit
from townhall.migrate.savepoints import (
    DEADLOCK,
    LOCK_NOT_AVAILABLE,
    NO_LOCKS,
    rolled_back,
    sqlstate,
)

Result = TypeVar("Result")

_log = logging.getLogger(__name__)

_KEY = {"key": 0x746F776E68616C6C}  # "townhall" in ASCII
_BY_DEFAULT = WaitLimit()
_REMINDER = 30.0  # seconds between two messages

_HOLDERS = text(
    f"""
    select {COLUMNS.format(alias="a")}
    from pg_catalog.pg_locks as l
    join pg_catalog.pg_stat_activity as a on a.pid = l.pid
    where l.locktype = 'advisory' and l.granted and l.objsubid = 1
        and (l.classid::bigint << 32 | l.objid::bigint) = :key
        and l.database = (
            select d.oid from pg_catalog.pg_database as d where d.datname = current_database()
        )
    order by a.pid
    """
)

_NO_LOCKS = (
    "what differs needs more locks in one transaction than the server has, and its revision would"
    " too; nothing was changed. Raise max_locks_per_transaction and restart the server, or change"
    " fewer tables at once: leave some of them undeclared, or declared, for the next revision."
)


@contextmanager
def migration_lock(connection: Connection, limit: WaitLimit = _BY_DEFAULT) -> Iterator[None]:
    """Hold the advisory lock of migrations; a second migration of the database waits for it.

    It is a lock of the session, not of a transaction, because a revision that builds an index
    concurrently ends its transaction. It is polled between transactions: a statement that waited
    for it on the server would have a snapshot, for which a concurrent index build waits, and the
    two would deadlock.

    Args:
        connection: A connection outside a transaction, not through a transaction pooler.
        limit: How long to wait.

    Raises:
        CommandError: The other migration did not end in that time.
    """
    _wait_for(connection, limit, lambda: _try_lock(connection))
    try:
        yield
    finally:
        if is_usable(connection):
            connection.rollback()
            connection.execute(text("select pg_advisory_unlock(:key)"), _KEY)
            connection.commit()


@contextmanager
def comparison_transaction(
    connection: Connection, duration: str, limit: WaitLimit = _BY_DEFAULT
) -> Iterator[None]:
    """Be in one transaction that holds the lock of migrations, and is rolled back.

    Nothing of it belongs to the session, so that it may run through a transaction pooler.

    Args:
        connection: A connection outside a transaction.
        duration: The lock timeout, as PostgreSQL writes durations.
        limit: How long to wait for a migration.

    Raises:
        CommandError: ``duration`` is not a duration, or a migration did not end in time.
    """
    _wait_for(connection, limit, lambda: _try_lock_of_transaction(connection))
    try:
        transaction_limits(connection, duration)
        yield
    finally:
        if is_usable(connection):
            connection.rollback()


def migration_processes(connection: Connection) -> list[int]:
    """Return the server processes that hold the advisory lock of migrations, which is read alone.

    Args:
        connection: A connection to the database.
    """
    return [each.pid for each in connection.execute(_HOLDERS, _KEY)]


def with_retries(
    connection: Connection, lock_timeout: LockTimeout, work: Callable[[], Result]
) -> Result:
    """Run something that is rolled back, and retry it where a lock was not granted.

    While a statement waits for a lock, all later ones on that table queue behind it, even reads.
    So the lock timeout is short, and between two attempts all locks are released.

    Args:
        connection: A connection within a transaction.
        lock_timeout: How long a statement waits for a lock, and how often it is tried.
        work: What to run; its changes are rolled back.

    Raises:
        CommandError: A lock was not granted in any of the attempts.
    """
    for _ in range(lock_timeout.attempts):
        try:
            with rolled_back(connection):
                connection.exec_driver_sql(
                    "select set_config('lock_timeout', %(duration)s, true)",
                    {"duration": lock_timeout.duration},
                )
                return work()
        except DBAPIError as error:
            if sqlstate(error) == NO_LOCKS:
                raise CommandError(_NO_LOCKS) from error
            if sqlstate(error) not in {LOCK_NOT_AVAILABLE, DEADLOCK}:
                raise
        time.sleep(PAUSE)
    raise CommandError(
        f"the comparison gave up after {lock_timeout.attempts} attempts with a lock timeout of"
        f" {lock_timeout.duration}; nothing was changed. Blocked by: {blocked_by(connection)}. Run"
        f" again when the application is less busy, or wait longer with {lock_timeout.option};"
        " other sessions may then queue behind the comparison for as long."
    )


def _wait_for(connection: Connection, limit: WaitLimit, is_granted: Callable[[], bool]) -> None:
    longest = limit.seconds
    next_message = start = time.monotonic()
    while not is_granted():
        now = time.monotonic()
        if now >= start + longest:
            raise CommandError(
                f"another migration of this database did not end within {limit}; nothing was"
                f" changed. Its lock is held by: {_holders(connection)}. Run again when it has"
                f" ended, or wait longer with {limit.option}."
            )
        if now >= next_message:
            _log.warning(
                "Waiting for another migration of this database since %d s: %s",
                round(next_message - start),
                _holders(connection),
            )
            next_message += _REMINDER
        time.sleep(min(PAUSE, longest))


def _holders(connection: Connection) -> str:
    holders = listed(of_rows(connection.execute(_HOLDERS, _KEY).all()))
    connection.rollback()
    return holders or "none, it has just ended"


def _try_lock(connection: Connection) -> bool:
    is_locked = connection.scalar(text("select pg_try_advisory_lock(:key)"), _KEY)
    connection.commit()
    return bool(is_locked)


def _try_lock_of_transaction(connection: Connection) -> bool:
    is_locked = bool(connection.scalar(text("select pg_try_advisory_xact_lock(:key)"), _KEY))
    if not is_locked:
        connection.rollback()
    return is_locked
