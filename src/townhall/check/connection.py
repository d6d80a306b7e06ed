"""The connection to a database that is only read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Connection, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from townhall.check.errors import CheckError
from townhall.migrate.guard.encodings import REQUIRED, refuse_other_encodings
from townhall.migrate.guard.give_ups import blocked_by
from townhall.migrate.savepoints import LOCK_NOT_AVAILABLE, sqlstate

LOCK_TIMEOUT = "5s"
"""The lock timeout of the check, as PostgreSQL writes durations."""


@contextmanager
def reading(url: URL) -> Iterator[Connection]:
    """Hold a connection in a read-only transaction with a short lock timeout.

    Args:
        url: The database.

    Raises:
        CheckError: A lock timeout; the message says which session holds the lock.
        CommandError: The database has another encoding than UTF8.
    """
    engine = create_engine(
        url,
        poolclass=NullPool,
        isolation_level="REPEATABLE READ",
        # A transaction pooler has no prepared statements.
        connect_args={
            "application_name": "townhall check",
            "prepare_threshold": None,
            "client_encoding": REQUIRED,
        },
    )
    refuse_other_encodings(engine)
    with engine.connect().execution_options(postgresql_readonly=True) as connection:
        connection.execute(
            text("select set_config('lock_timeout', :duration, true)"), {"duration": LOCK_TIMEOUT}
        )
        try:
            yield connection
        except DBAPIError as error:
            if sqlstate(error) != LOCK_NOT_AVAILABLE:
                raise
            connection.rollback()
            raise CheckError(
                f"gave up waiting for a lock after {LOCK_TIMEOUT}. Blocked by:"
                f" {blocked_by(connection)}"
            ) from error
