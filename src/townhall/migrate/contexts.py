"""What the context of a run has while it is online."""

from __future__ import annotations

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

VERSION_TABLE = "alembic_version"
"""The table in which Alembic keeps the revision that a database is at."""


def current_heads(connection: Connection) -> tuple[str, ...]:
    """Return the revisions that a database is at, whichever the search path is.

    Args:
        connection: A connection to the database.
    """
    options = {"version_table_schema": "public"}
    return MigrationContext.configure(connection, opts=options).get_current_heads()


def connection_of(context: MigrationContext) -> Connection:
    """Return the connection of a run that is online; a script has none.

    Args:
        context: The context of the run.
    """
    connection = context.connection
    assert connection is not None  # noqa: S101 - only a script has none
    return connection
