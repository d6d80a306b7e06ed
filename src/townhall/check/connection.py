"""The connection to a database that is only read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError

from townhall.check.errors import CheckError
from townhall.engines import engine_of
from townhall.migrate.guard.encodings import REQUIRED, refuse_other_encodings
from townhall.migrate.guard.give_ups import blocked_by
from townhall.migrate.savepoints import LOCK_NOT_AVAILABLE, sqlstate
from townhall.search_path import OWN_NAMES

LOCK_TIMEOUT = "5s"
"""The lock timeout of the check, as PostgreSQL writes durations."""

_BEGIN = text(
    """
    select
        pg_catalog.set_config('search_path', :path, true),
        pg_catalog.set_config('lock_timeout', :duration, true)
    """
)


@contextmanager
def reading(url: URL) -> Iterator[Connection]:
    """Hold a connection in a read-only transaction with a short lock timeout.

    Names are PostgreSQL's own: nothing that others have made runs with the rights of the role.

    Args:
        url: The database.

    Raises:
        CheckError: A lock timeout; the message says which session holds the lock.
        CommandError: The database has another encoding than UTF8.
    """
    engine = engine_of(
        url,
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
        connection.execute(_BEGIN, {"path": OWN_NAMES, "duration": LOCK_TIMEOUT})
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
