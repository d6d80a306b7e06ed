"""Settings of the server that hold for a while."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from psycopg import BaseConnection
    from sqlalchemy import Connection


@contextmanager
def set_locally(connection: Connection, settings: Mapping[str, str]) -> Iterator[None]:
    """Hold settings of the server for a block, within the connection's transaction.

    What the block did stays when it ends, and is undone when it ends by an exception, or with the
    transaction failed; in each case the settings are what they were before.

    Args:
        connection: A connection of psycopg 3.
        settings: Values by name; ``role`` is one of them.
    """
    savepoint = connection.begin_nested()
    try:
        before = _current(connection, settings)
        _set(connection, settings)
        yield
    except BaseException:
        savepoint.rollback()
        raise
    if _has_failed(connection):
        savepoint.rollback()
    else:
        _set(connection, before)
        savepoint.commit()


def _current(connection: Connection, settings: Mapping[str, str]) -> dict[str, str]:
    rows = connection.execute(
        text(
            """
            select name, coalesce(current_setting(name, true), '') as value
            from unnest(cast(:names as text[])) as setting (name)
            """
        ),
        {"names": list(settings)},
    )
    return {row.name: row.value for row in rows}


def _set(connection: Connection, settings: Mapping[str, str]) -> None:
    connection.execute(
        text(
            """
            select set_config(name, value, true)
            from unnest(cast(:names as text[]), cast(:values as text[])) as setting (name, value)
            """
        ),
        {"names": list(settings), "values": list(settings.values())},
    )


def _has_failed(connection: Connection) -> bool:
    driver = cast("BaseConnection[Any]", connection.connection.driver_connection)
    return driver.info.transaction_status.name == "INERROR"
