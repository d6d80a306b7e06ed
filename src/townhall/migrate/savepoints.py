"""Running SQL in a transaction so that a failure, or all of it, can be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

LOCK_TIMEOUT, DEADLOCK, _CANCELLED = "55P03", "40P01", "57014"
"""SQLSTATEs of errors that say nothing about the statement itself."""


@contextmanager
def rolled_back(connection: Connection) -> Iterator[None]:
    """Undo whatever happens inside.

    Args:
        connection: A connection; it may be within a transaction, which stays as it is.
    """
    savepoint = connection.begin_nested()
    try:
        yield
    finally:
        if savepoint.is_active:
            savepoint.rollback()


def run_script(connection: Connection, statements: Iterable[str]) -> None:
    """Execute statements in one round trip, as they stand.

    Args:
        connection: A connection within a transaction.
        statements: SQL without parameters.
    """
    script = ";\n".join(statements)
    if script:
        connection.exec_driver_sql(script, execution_options={"no_parameters": True})


def attempt(connection: Connection, run: Callable[[], None]) -> DBAPIError | None:
    """Run something, and undo it if PostgreSQL refuses.

    Args:
        connection: A connection within a transaction.
        run: What to try.

    Returns:
        What PostgreSQL said against it, or None.

    Raises:
        DBAPIError: PostgreSQL said nothing of what was tried: there was no time for it, or no lock.
    """
    savepoint = connection.begin_nested()
    try:
        run()
    except DBAPIError as error:
        savepoint.rollback()
        if sqlstate(error) in {LOCK_TIMEOUT, DEADLOCK, _CANCELLED}:
            raise
        return error
    except BaseException:
        savepoint.rollback()
        raise
    savepoint.commit()
    return None


def sqlstate(error: DBAPIError) -> str:
    """Return PostgreSQL's code of an error, or nothing where it has none."""
    return getattr(error.orig, "sqlstate", None) or ""
