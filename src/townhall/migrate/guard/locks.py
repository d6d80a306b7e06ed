"""The two guards of a migration: alone in its database, and never long in the application's way."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from townhall.migrate.savepoints import DEADLOCK, LOCK_TIMEOUT, rolled_back, sqlstate

Result = TypeVar("Result")

_log = logging.getLogger(__name__)

_KEY = {"key": 0x746F776E68616C6C}  # "townhall" in ASCII
_PAUSE = 0.2  # seconds between two looks at the other's lock
_TRIES = 5

A_MOMENT = "200ms"
"""How long a comparison waits for a lock, as PostgreSQL writes durations."""

_HOLDERS = """
    select coalesce(string_agg(pid::text, ', '), '?')
    from pg_catalog.pg_locks
    where locktype = 'advisory' and granted and objsubid = 1
        and (classid::bigint << 32 | objid::bigint) = :key
        and database = (select oid from pg_catalog.pg_database where datname = current_database())
"""

_OTHERS = """
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


def holder_of_locks(connection: Connection) -> str:
    """Return what somebody else holds whom a statement may have waited for, in words.

    Args:
        connection: A connection to the database.
    """
    return connection.scalar(text(_OTHERS)) or "nobody does any more"


def in_short_waits(connection: Connection, duration: str, work: Callable[[], Result]) -> Result:
    """Do what leaves nothing behind, and do it again where somebody else holds a lock.

    Whoever comes after a statement that waits for a lock waits as long as that does, if only to
    read. So no wait is long, and between two tries all locks are given back.

    Args:
        connection: A connection within a transaction.
        duration: How long a statement waits, as PostgreSQL writes durations.
        work: What to do; whatever it changes is undone.

    Raises:
        CommandError: Somebody held a lock each time.
    """
    for _ in range(_TRIES):
        try:
            with rolled_back(connection):
                connection.execute(
                    text("select set_config('lock_timeout', :duration, true)"),
                    {"duration": duration},
                )
                return work()
        except DBAPIError as error:
            if sqlstate(error) not in {LOCK_TIMEOUT, DEADLOCK}:
                raise
        time.sleep(_PAUSE)
    raise CommandError(
        f"the comparison waited {duration} for a lock, {_TRIES} times, and gave up; nothing was"
        f" changed. In its way: {holder_of_locks(connection)}.\nRun again when the application is"
        " less busy, or wait longer with -x lock_timeout=5s: whoever comes after it waits as long."
    )


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
        LOCK_TIMEOUT: f"gave up waiting for a lock after {duration}",
        DEADLOCK: "stepped back from a deadlock with another session",
    }.get(sqlstate(error))
    if reason is not None:
        first_line = (error.statement or "").strip().partition("\n")[0]
        raise CommandError(f"{reason}, at: {first_line}\n{_TRY_AGAIN}") from error
