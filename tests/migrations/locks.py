"""Finding the locks of a migration that block other sessions for long."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_STATE = """
    select
        c.oid,
        c.relname as name,
        pg_relation_filenode(c.oid) as file,
        coalesce(s.seq_scan, 0) as scans,
        coalesce(s.n_tup_upd + s.n_tup_del, 0) as changes,
        exists (
            select
            from pg_locks as l
            where l.pid = pg_backend_pid() and l.relation = c.oid
                and l.mode in (
                    'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'
                )
        ) as locked
    from pg_class as c
    left join pg_stat_xact_user_tables as s on s.relid = c.oid
    where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
        and c.relname <> 'alembic_version'
"""

# In autocommit mode each of these blocks readers and writers only for a short time.
_HARMLESS_IN_AUTOCOMMIT = re.compile(
    r"""\s*(
        create\ (unique\ )?index\ concurrently
        | drop\ index\ concurrently
        | alter\ table\ \S+\ validate\ constraint
        | do\ .*\ (not\ valid;|from\ .*\ as\ t\ where)
        | select
        | set\ lock_timeout
    )""",
    re.VERBOSE | re.DOTALL,
)

# A transaction of these alone, as steps in batches make it, changes a limited number of rows.
_BATCH = re.compile(
    r"""\s*(
        select\ t\.id\ from\ .*\ limit\ \d+\ for\ no\ key\ update
        | update\ \S+\ as\ t\s.*\ where\ t\.id\ =\ any\ \(
        | update\ only\ .*\ where\ ctid\ >=\ .*\ and\ ctid\ <\s
        | select
    )""",
    re.VERBOSE | re.DOTALL,
)


class _Table(NamedTuple):
    name: str
    file: int
    scans: int
    changes: int
    locked: bool


@contextmanager
def long_locks(connection: Connection) -> Iterator[list[str]]:
    """Collect what blocks readers or writers for a time that grows with the size of a table.

    That is a table that is read as a whole or rewritten in a transaction that locks out writers,
    rows changed in a transaction that does other things as well, and a statement in autocommit mode
    that is not known to be harmless. Only tables with rows show it.

    Args:
        connection: The connection that the migration runs on.
    """
    found: list[str] = []
    before = _tables_outside_a_transaction(connection)
    at_begin = dict(before)
    statements: list[str] = []

    def begin(connection: Connection) -> None:
        at_begin.update(_tables(connection))
        statements.clear()

    def commit(connection: Connection) -> None:
        if _is_autocommit(connection) or all(map(_BATCH.match, statements)):
            return
        for oid, now in _tables(connection).items():
            if oid in before:
                found.extend(f"{now.name} {what}" for what in _judge(at_begin[oid], now))

    def execute(connection: Connection, _: object, statement: str, *__: object) -> None:
        statements.append(statement)
        if _is_autocommit(connection) and not _HARMLESS_IN_AUTOCOMMIT.match(statement):
            found.append(f"in autocommit mode: {statement}")

    listeners: dict[str, Callable[..., None]] = {
        "begin": begin,
        "commit": commit,
        "before_cursor_execute": execute,
    }
    for name, listener in listeners.items():
        event.listen(connection, name, listener)
    yield found
    for name, listener in listeners.items():
        event.remove(connection, name, listener)
    after = _tables_outside_a_transaction(connection)
    found += [
        f"{table.name} is rewritten"
        for oid, table in before.items()
        if oid in after and after[oid].file != table.file
    ]


def _is_autocommit(connection: Connection) -> bool:
    driver_connection: Any = connection.connection.driver_connection
    return bool(driver_connection.autocommit)


def _judge(before: _Table, now: _Table) -> Iterator[str]:
    if now.locked and now.scans > before.scans:
        yield "is locked and read as a whole"
    if now.changes > before.changes:
        yield "is changed in a transaction"


def _tables(connection: Connection) -> dict[int, _Table]:
    driver_connection: Any = connection.connection.driver_connection
    rows = driver_connection.execute(_STATE).fetchall()
    return {oid: _Table(*values) for oid, *values in rows}


def _tables_outside_a_transaction(connection: Connection) -> dict[int, _Table]:
    tables = _tables(connection)
    driver_connection: Any = connection.connection.driver_connection
    driver_connection.rollback()
    return tables
