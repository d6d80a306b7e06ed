"""What a migration says when it gives up waiting for a lock."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from townhall.migrate.faults import statement_of
from townhall.migrate.guard.limits import is_usable
from townhall.migrate.guard.lock_timeouts import LockTimeout
from townhall.migrate.guard.sessions import COLUMNS, listed, of_rows
from townhall.migrate.guard.watch import Wait, Watch
from townhall.migrate.savepoints import DEADLOCK, LOCK_NOT_AVAILABLE, sqlstate
from townhall.printing import abridged

_IDENTIFIER = r'(?:"(?:[^"]|"")+"|\w+)'
_TABLE = re.compile(
    r"\b(?:table|on|into|update|from)\s+(?:only\s+|if\s+(?:not\s+)?exists\s+)*"
    rf"({_IDENTIFIER}(?:\.{_IDENTIFIER})?)",
    re.IGNORECASE,
)

_HOLDERS = text(
    f"""
    select
        {COLUMNS.format(alias="a")},
        string_agg(distinct format('%I.%I', n.nspname, c.relname), ', ') as tables
    from pg_catalog.pg_locks as l
    join pg_catalog.pg_class as c on c.oid = l.relation and c.relkind in ('r', 'p', 'v', 'm')
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace and n.nspname !~ '^pg_'
    left join pg_catalog.pg_stat_activity as a on a.pid = l.pid
    where l.granted
        and l.pid is distinct from pg_backend_pid()
        and l.database = (
            select d.oid from pg_catalog.pg_database as d where d.datname = current_database()
        )
        and (l.relation = to_regclass(cast(:table as text))) is not false
    group by a.pid, l.pid, a.usename, a.application_name, a.backend_type, a.state, a.xact_start,
        a.query
    order by bool_or(l.mode = 'AccessExclusiveLock') desc, a.xact_start
    """
)


@contextmanager
def explaining_give_ups(
    connection: Connection, watch: Watch | None, lock_timeout: LockTimeout
) -> Iterator[None]:
    """Say for a lock that was not granted which statement, table and session it was about.

    Args:
        connection: The connection of the run.
        watch: What a second connection has seen, if there is one.
        lock_timeout: How long a statement waits for a lock.

    Raises:
        CommandError: A lock was not granted in time, or there was a deadlock.
    """
    try:
        yield
    except DBAPIError as error:
        reason = {
            LOCK_NOT_AVAILABLE: f"gave up waiting for a lock after {lock_timeout.duration}",
            DEADLOCK: "gave up in a deadlock with another session",
        }.get(sqlstate(error))
        if reason is None:
            raise
        statement = statement_of(error)
        wait = watch.last_wait() if watch is not None else None
        if is_usable(connection):
            connection.rollback()
            wait = wait or Wait(None, _holders(connection, statement))
        table = (wait and wait.table) or _table(statement) or "unknown"
        holders = wait.holders if wait is not None else "unknown"
        raise CommandError(
            f"{reason}, at: {abridged(statement)}. Table: {table}. Blocked by: {holders}. The"
            " database is at the last completed revision. Run again when the application is less"
            f" busy, or wait longer with {lock_timeout.option}."
        ) from error


def blocked_by(connection: Connection) -> str:
    """Return the tables that another session has locked, and that session.

    A statement that gave up waiting for a lock was probably blocked by it.

    Args:
        connection: A connection to the database.
    """
    rows = connection.execute(_HOLDERS, {"table": None}).all()
    if not rows:
        return "unknown (the lock has been released)"
    return f"{rows[0].tables}, {of_rows(rows)[0]}"


def _holders(connection: Connection, statement: str) -> str:
    rows = connection.execute(_HOLDERS, {"table": _table(statement)}).all()
    connection.rollback()
    return listed(of_rows(rows)) if rows else "unknown (the lock has been released)"


def _table(statement: str) -> str | None:
    found = _TABLE.search(statement)
    return found[1] if found else None
