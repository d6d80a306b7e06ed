"""Migrations that lose their connection at a chosen statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from townhall.migrate import alembic_config

if TYPE_CHECKING:
    from collections.abc import Callable


class LostError(Exception):
    """The connection of the migration is lost here."""


def is_interrupted(
    engine: Engine,
    direction: Callable[..., None],
    revision: str,
    count: int,
    *,
    at: Callable[[psycopg.Connection], bool],
) -> bool:
    """Migrate, and lose the connection before the statement that follows a number of others.

    Args:
        engine: The database.
        direction: ``command.upgrade`` or ``command.downgrade``.
        revision: Where to.
        count: How many statements are let through, of those that count.
        at: Whether a statement counts, by the driver's connection before it.

    Returns:
        Whether there were so many statements.
    """
    config = alembic_config()
    statements = iter(range(count + 1))
    interrupted: list[bool] = []

    def interrupt(connection: Connection, *_: object) -> None:
        driver: Any = connection.connection.driver_connection
        if not interrupted and at(driver) and next(statements, None) == count:
            interrupted.append(True)
            driver.close()
            raise LostError

    try:
        with engine.connect() as connection:
            event.listen(connection, "before_cursor_execute", interrupt)
            config.attributes["connection"] = connection
            direction(config, revision)
    except (LostError, CommandError, DBAPIError, psycopg.Error):
        if not interrupted:
            raise
    return bool(interrupted)


def nothing_is_pending(driver: psycopg.Connection) -> bool:
    """Tell whether a connection is outside a transaction, so that a stop follows a commit."""
    return driver.info.transaction_status.name == "IDLE"


def always(_: object) -> bool:
    """Count every statement."""
    return True
