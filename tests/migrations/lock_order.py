"""Finding transactions of a migration that could deadlock with those of an application."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_EXISTING = """
    select c.oid, n.nspname || '.' || c.relname
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v')
        and n.nspname in ('public', 'auth')
        and c.relname <> 'alembic_version'
"""

# What these modes lock out are the writers, or the readers as well.
_LOCKS = """
    select l.relation, bool_or(l.mode = 'AccessExclusiveLock')
    from pg_locks as l
    where l.pid = pg_backend_pid()
        and l.granted
        and l.mode in (
            'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'
        )
    group by l.relation
"""


@contextmanager
def locks_out_of_order(connection: Connection) -> Iterator[list[str]]:
    """Collect locks on relations in use that are taken after others, or after a weaker one.

    The first statement of a transaction that takes such locks may take all of them, if it releases
    them where one is not granted; each later one that takes more is found.

    Args:
        connection: The connection that the migration runs on.
    """
    driver_connection: Any = connection.connection.driver_connection
    existing = dict(driver_connection.execute(_EXISTING).fetchall())
    driver_connection.rollback()
    found: list[str] = []
    held: dict[int, bool] = {}

    def look(_: Connection, __: object, statement: str, *___: object) -> None:
        if driver_connection.info.transaction_status.name != "INTRANS":
            return
        locks = {
            relation: is_exclusive
            for relation, is_exclusive in driver_connection.execute(_LOCKS).fetchall()
            if relation in existing and held.get(relation) not in {True, is_exclusive}
        }
        if locks and (held or (len(locks) > 1 and "lock table" not in statement)):
            names = ", ".join(sorted(existing[each] for each in locks))
            found.append(f"{names} by {' '.join(statement.split())[:100]}")
        held.update(locks)

    def forget(_: Connection) -> None:
        held.clear()

    listeners: dict[str, Callable[..., None]] = {
        "after_cursor_execute": look,
        "commit": forget,
        "rollback": forget,
    }
    for name, listener in listeners.items():
        event.listen(connection, name, listener)
    yield found
    for name, listener in listeners.items():
        event.remove(connection, name, listener)
