"""Running SQL under a savepoint, so that it can be rolled back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from townhall.pg import sql

LOCK_NOT_AVAILABLE, DEADLOCK, NO_LOCKS, _CANCELLED = "55P03", "40P01", "53200", "57014"
"""SQLSTATEs of errors that do not mean that PostgreSQL refuses the statement."""

NO_PRIVILEGE = "42501"
"""The SQLSTATE of a statement that the role lacks a privilege for."""

SYNTAX_ERROR = "42601"
"""The SQLSTATE of SQL that PostgreSQL can't read."""

DATATYPE_MISMATCH = "42804"
"""The SQLSTATE of a type that does not fit, such as that of a column with foreign keys."""

DEPENDENT_OBJECTS = "2BP01"
"""The SQLSTATE of a drop that is refused because other objects depend on the dropped one."""


ONE_BY_ONE = "townhall_one_by_one"
"""The key of ``Connection.info`` that is true where the server has Citus: see `run_script`."""


@contextmanager
def rolled_back(connection: Connection) -> Iterator[None]:
    """Roll back at the end of the block.

    Args:
        connection: A connection; a transaction that it is within goes on.
    """
    savepoint = connection.begin_nested()
    try:
        yield
    finally:
        if savepoint.is_active:
            savepoint.rollback()


def run_script(connection: Connection, statements: Iterable[str]) -> None:
    """Execute statements unchanged, in one round trip where that is possible.

    With Citus each has its own: Citus forwards the DDL of a distributed table to its workers as it
    was sent, and they refuse several statements in one message.

    Args:
        connection: A connection within a transaction.
        statements: SQL without parameters.
    """
    each_alone = connection.info.get(ONE_BY_ONE, False)
    for script in statements if each_alone else [sql.script(statements)]:
        if script:
            connection.exec_driver_sql(script, execution_options={"no_parameters": True})


def attempt(connection: Connection, run: Callable[[], None]) -> DBAPIError | None:
    """Run something, and roll it back if PostgreSQL refuses.

    Args:
        connection: A connection within a transaction.
        run: What to try.

    Returns:
        The error, or None.

    Raises:
        DBAPIError: A lock was not granted in time, there was a deadlock, or the statement was
            cancelled: that does not mean that PostgreSQL refuses it.
    """
    savepoint = connection.begin_nested()
    try:
        run()
    except DBAPIError as error:
        savepoint.rollback()
        if sqlstate(error) in {LOCK_NOT_AVAILABLE, DEADLOCK, NO_LOCKS, _CANCELLED}:
            raise
        return error
    except BaseException:
        savepoint.rollback()
        raise
    savepoint.commit()
    return None


def sqlstate(error: DBAPIError) -> str:
    """Return the SQLSTATE of an error, or an empty text."""
    return getattr(error.orig, "sqlstate", None) or ""
