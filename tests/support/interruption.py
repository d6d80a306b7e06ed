"""Migrations that lose their connection, at a chosen statement or at any moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, event, make_url, text
from sqlalchemy.exc import DBAPIError

from tests.support.waiting import wait_for_migrations
from townhall.migrate import alembic_config

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

_TERMINATE = text(
    """
    select pg_terminate_backend(pid)
    from pg_stat_activity
    where application_name = 'townhall' and datname = :database
    """
)


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


def end_process(
    process: subprocess.Popen[str], watch: Connection, url: str, *, by_server: bool
) -> None:
    """End a process that migrates, and wait until its sessions are over.

    Args:
        process: The process.
        watch: A connection outside a transaction to another database of the server, as a superuser.
        url: The database that is migrated.
        by_server: Whether its sessions are terminated, instead of the process by SIGKILL.
    """
    if by_server:
        watch.execute(_TERMINATE, {"database": make_url(url).database})
        watch.commit()
    else:
        process.kill()
    process.communicate()
    wait_for_migrations(watch, 0, url)
