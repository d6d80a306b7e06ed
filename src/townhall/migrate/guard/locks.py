"""The locks of a run: one migration at a time, and lock timeouts."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from townhall.migrate.savepoints import DEADLOCK, LOCK_TIMEOUT, NO_LOCKS, rolled_back, sqlstate

Result = TypeVar("Result")

_log = logging.getLogger(__name__)

_KEY = {"key": 0x746F776E68616C6C}  # "townhall" in ASCII
_PAUSE = 0.2  # seconds between two attempts
_ATTEMPTS = 5

COMPARISON_LOCK_TIMEOUT = "200ms"
"""How long a statement of a comparison waits for a lock, as PostgreSQL writes durations."""

_HOLDERS = """
    select coalesce(string_agg(pid::text, ', '), '?')
    from pg_catalog.pg_locks
    where locktype = 'advisory' and granted and objsubid = 1
        and (classid::bigint << 32 | objid::bigint) = :key
        and database = (select oid from pg_catalog.pg_database where datname = current_database())
"""

_BLOCKING = """
    select
        string_agg(distinct format('%I.%I', n.nspname, c.relname), ', ')
            || ', server process ' || l.pid
    from pg_catalog.pg_locks as l
    join pg_catalog.pg_class as c on c.oid = l.relation and c.relkind in ('r', 'p', 'v', 'm')
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace and n.nspname !~ '^pg_'
    left join pg_catalog.pg_stat_activity as a on a.pid = l.pid
    where l.granted
        and l.pid <> pg_backend_pid()
        and l.database = (
            select d.oid from pg_catalog.pg_database as d where d.datname = current_database()
        )
    group by l.pid, a.xact_start
    order by bool_or(l.mode = 'AccessExclusiveLock') desc, a.xact_start
    limit 1
"""

_ADVICE = (
    "The database is at the last completed revision. Run again when the application is"
    " less busy, or wait longer with -x lock_timeout=30s."
)

_NO_LOCKS = (
    "what differs needs more locks in one transaction than the server has, and its revision would"
    " too; nothing was changed. Raise max_locks_per_transaction and restart the server, or change"
    " fewer tables at once: leave some of them undeclared, or declared, for the next revision."
)


@contextmanager
def migration_lock(connection: Connection) -> Iterator[None]:
    """Hold the advisory lock of migrations; a second migration of the database waits for it.

    It is a lock of the session, not of a transaction, because a revision that builds an index
    concurrently ends its transaction. It is polled between transactions: a statement that waited
    for it on the server would have a snapshot, for which a concurrent index build waits, and the
    two would deadlock.

    Args:
        connection: A connection outside a transaction, not through a transaction pooler.
    """
    if not _try_lock(connection):
        holders = connection.scalar(text(_HOLDERS), _KEY)
        connection.rollback()
        _log.warning("Waiting for another migration of this database (server process %s)", holders)
        while not _try_lock(connection):
            time.sleep(_PAUSE)
    try:
        yield
    finally:
        if _is_usable(connection):
            connection.rollback()
            connection.execute(text("select pg_advisory_unlock(:key)"), _KEY)
            connection.commit()


def blocked_by(connection: Connection) -> str:
    """Return the tables that another session has locked, and its server process.

    A statement that gave up waiting for a lock was probably blocked by it.

    Args:
        connection: A connection to the database.
    """
    return connection.scalar(text(_BLOCKING)) or "unknown (the lock has been released)"


def with_retries(connection: Connection, duration: str, work: Callable[[], Result]) -> Result:
    """Run something that is rolled back, and retry it where a lock was not granted.

    While a statement waits for a lock, all later ones on that table queue behind it, even reads.
    So the lock timeout is short, and between two attempts all locks are released.

    Args:
        connection: A connection within a transaction.
        duration: The lock timeout, as PostgreSQL writes durations.
        work: What to run; its changes are rolled back.

    Raises:
        CommandError: A lock was not granted in any of the attempts.
    """
    for _ in range(_ATTEMPTS):
        try:
            with rolled_back(connection):
                connection.execute(
                    text("select set_config('lock_timeout', :duration, true)"),
                    {"duration": duration},
                )
                return work()
        except DBAPIError as error:
            if sqlstate(error) == NO_LOCKS:
                raise CommandError(_NO_LOCKS) from error
            if sqlstate(error) not in {LOCK_TIMEOUT, DEADLOCK}:
                raise
        time.sleep(_PAUSE)
    raise CommandError(
        f"the comparison gave up after {_ATTEMPTS} attempts with a lock timeout of {duration};"
        f" nothing was changed. Blocked by: {blocked_by(connection)}.\nRun again when the"
        " application is less busy, or wait longer with -x lock_timeout=5s; other sessions may then"
        " queue behind the comparison for as long."
    )


@contextmanager
def with_lock_timeout(connection: Connection, duration: str) -> Iterator[None]:
    """Set the lock timeout of the session for a block.

    Args:
        connection: A connection outside a transaction.
        duration: The lock timeout, as PostgreSQL writes durations.

    Raises:
        CommandError: A lock was not granted in time, or ``duration`` is not a duration.
    """
    previous = connection.scalar(text("select current_setting('lock_timeout')"))
    try:
        _set_lock_timeout(connection, duration)
    except DBAPIError:
        connection.rollback()
        raise CommandError(
            f"lock_timeout={duration} is not a duration: write for example 5s or 500ms"
        ) from None
    try:
        yield
    except DBAPIError as error:
        _raise_with_advice(error, duration)
        raise
    finally:
        if _is_usable(connection):
            connection.rollback()
            _set_lock_timeout(connection, previous)


def _try_lock(connection: Connection) -> bool:
    is_locked = connection.scalar(text("select pg_try_advisory_lock(:key)"), _KEY)
    connection.commit()
    return bool(is_locked)


def _set_lock_timeout(connection: Connection, duration: str | None) -> None:
    connection.execute(
        text("select set_config('lock_timeout', :duration, false)"), {"duration": duration}
    )
    connection.commit()


def _is_usable(connection: Connection) -> bool:
    return not connection.closed and not connection.invalidated


def _raise_with_advice(error: DBAPIError, duration: str) -> None:
    reason = {
        LOCK_TIMEOUT: f"gave up waiting for a lock after {duration}",
        DEADLOCK: "gave up in a deadlock with another session",
    }.get(sqlstate(error))
    if reason is not None:
        first_line = (error.statement or "").strip().partition("\n")[0]
        raise CommandError(f"{reason}, at: {first_line}\n{_ADVICE}") from error


_MIGRATIONS = text(
    """
    select l.pid
    from pg_catalog.pg_locks as l
    where l.locktype = 'advisory'
        and l.granted
        and l.objsubid = 1
        and (l.classid::bigint << 32 | l.objid::bigint) = :key
        and l.database = (
            select d.oid from pg_catalog.pg_database as d where d.datname = current_database()
        )
    order by l.pid
    """
)


def migration_processes(connection: Connection) -> list[int]:
    """Return the server processes that hold the advisory lock of migrations, which is read alone.

    Args:
        connection: A connection to the database.
    """
    return list(connection.execute(_MIGRATIONS, _KEY).scalars())
