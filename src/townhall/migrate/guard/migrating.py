"""The guards of a run that changes the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from townhall.migrate.guard.give_ups import explaining_give_ups
from townhall.migrate.guard.limits import session_limits
from townhall.migrate.guard.lock_timeouts import LockTimeout
from townhall.migrate.guard.locks import migration_lock
from townhall.migrate.guard.poolers import refuse_pooler
from townhall.migrate.guard.second_connection import second_connection
from townhall.migrate.guard.wait_limits import WaitLimit
from townhall.migrate.guard.watch import watching


@contextmanager
def migrating(
    connection: Connection, lock_timeout: LockTimeout, limit: WaitLimit, *, is_passed: bool
) -> Iterator[None]:
    """Migrate alone, directly on the server, with a short lock timeout and no other limit.

    Args:
        connection: A connection outside a transaction.
        lock_timeout: How long a statement waits for a lock.
        limit: How long to wait for another migration.
        is_passed: Whether the program made the connection; then the run goes on where a second one
            to the server can't be opened.

    Raises:
        CommandError: There is a pooler in transaction mode, no second connection, another
            migration did not end in time, a lock was not granted in time, or ``lock_timeout`` is
            not a duration.
    """
    with second_connection(connection, is_required=not is_passed) as second:
        if second is not None:
            refuse_pooler(connection, second)
        with (
            session_limits(connection, lock_timeout.duration),
            watching(connection, second) as watch,
            migration_lock(connection, limit),
            # Within it: to release it is a further statement, which waits for no other session.
            explaining_give_ups(connection, watch, lock_timeout),
        ):
            yield
