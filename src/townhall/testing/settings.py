"""Settings of PostgreSQL that hold for a block."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from townhall.session.settings import transaction_status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sqlalchemy import Connection, NestedTransaction

_Settings = TypeVar("_Settings")


@contextmanager
def restored(
    connection: Connection,
    read: Callable[[Connection], _Settings],
    restore: Callable[[Connection, _Settings], None],
) -> Iterator[None]:
    """Restore settings at the end of a block, within the connection's transaction.

    What the block did is kept when it ends, and undone when it ends by an exception or with the
    transaction failed; in each case the settings are what they were before it.

    Args:
        connection: A connection of psycopg 3.
        read: Reads the settings that the block changes.
        restore: Sets what was read, for the rest of the transaction.
    """
    savepoint = connection.begin_nested()
    try:
        settings = read(connection)
        yield
    except BaseException:
        # Whatever has become of the connection, this exception is what the block is told of.
        with suppress(SQLAlchemyError):
            _roll_back(connection, savepoint)
        raise
    if transaction_status(connection) == "INERROR":
        savepoint.rollback()
    else:
        restore(connection, settings)
        savepoint.commit()


def _roll_back(connection: Connection, savepoint: NestedTransaction) -> None:
    """Roll a savepoint back, with those that were begun in it, unless it has ended before."""
    while savepoint.is_active and (latest := connection.get_nested_transaction()) is not None:
        latest.rollback()


@contextmanager
def set_locally(connection: Connection, settings: Mapping[str, str]) -> Iterator[None]:
    """Hold settings for a block, as :func:`restored` says.

    Args:
        connection: A connection of psycopg 3.
        settings: Values by name; ``role`` is one of them.
    """

    def read(connection: Connection) -> Mapping[str, str]:
        rows = connection.execute(_READ, {"names": list(settings)})
        return {row.name: row.value for row in rows}

    with restored(connection, read, _set):
        _set(connection, settings)
        yield


_READ = text(
    """
    select name, coalesce(current_setting(name, true), '') as value
    from unnest(cast(:names as text[])) as setting (name)
    """
)
_SET = text(
    """
    select set_config(name, value, true)
    from unnest(cast(:names as text[]), cast(:values as text[])) as setting (name, value)
    """
)


def _set(connection: Connection, settings: Mapping[str, str]) -> None:
    connection.execute(_SET, {"names": list(settings), "values": list(settings.values())})
