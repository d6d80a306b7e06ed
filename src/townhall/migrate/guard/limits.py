"""How long statements of a run may wait and take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DataError

from townhall.pg import sql

_ENDLESS = (
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "statement_timeout",
    "transaction_timeout",
)
"""Limits of a role for its requests, which a migration must not fall under."""

_LIMITS = ("lock_timeout", *_ENDLESS)

_SELECT = text(
    """
    select name, current_setting(name) as setting from pg_catalog.pg_settings
    where name = any (:names)
    """
)

_SET = text(
    """
    select set_config(s.name, s.setting, :is_local)
    from unnest(:names ::text[], :settings ::text[]) as s (name, setting)
    """
)


@contextmanager
def session_limits(connection: Connection, lock_timeout: str) -> Iterator[None]:
    """Set the lock timeout of the session for a block, and lift its other limits.

    Args:
        connection: A connection outside a transaction.
        lock_timeout: How long a statement waits for a lock, as PostgreSQL writes durations.

    Raises:
        CommandError: ``lock_timeout`` is not a duration.
    """
    previous = _set_limits(connection, lock_timeout, is_local=False)
    connection.commit()
    try:
        yield
    finally:
        if is_usable(connection):
            connection.rollback()
            _set(connection, previous, is_local=False)
            connection.commit()


def transaction_limits(connection: Connection, lock_timeout: str) -> None:
    """Set the lock timeout of a transaction, and lift its other limits.

    Args:
        connection: A connection within a transaction.
        lock_timeout: How long a statement waits for a lock, as PostgreSQL writes durations.

    Raises:
        CommandError: ``lock_timeout`` is not a duration.
    """
    _set_limits(connection, lock_timeout, is_local=True)


def limits_of_script(lock_timeout: str) -> list[str]:
    """Return the statements that set the limits of the session that runs a script."""
    return [
        f"set lock_timeout = {sql.literal(lock_timeout)}",
        *(f"set {name} = 0" for name in _ENDLESS if name != "transaction_timeout"),
        _where_there_is_one("set", " = 0"),
    ]


def reset_of_script() -> list[str]:
    """Return the statements that give the session of a script its own limits back."""
    names = (name for name in _LIMITS if name != "transaction_timeout")
    return [*(f"reset {name}" for name in names), _where_there_is_one("reset")]


def is_usable(connection: Connection) -> bool:
    """Tell whether a connection still has one to the server."""
    return not connection.closed and not connection.invalidated


def _where_there_is_one(command: str, value: str = "") -> str:
    # Before version 17 PostgreSQL has no such setting.
    return f"""do $$
begin
    if current_setting('transaction_timeout', true) is not null then
        {command} transaction_timeout{value};
    end if;
end
$$"""


def _set_limits(connection: Connection, lock_timeout: str, *, is_local: bool) -> dict[str, str]:
    found = connection.execute(_SELECT, {"names": list(_LIMITS)})
    previous = {row.name: row.setting for row in found}
    wanted = dict.fromkeys(previous, "0") | {"lock_timeout": lock_timeout}
    try:
        _set(connection, wanted, is_local=is_local)
    except DataError:
        connection.rollback()
        raise CommandError(
            f"lock_timeout={lock_timeout} is not a duration: write for example 5s or 500ms"
        ) from None
    return previous


def _set(connection: Connection, settings: dict[str, str], *, is_local: bool) -> None:
    values = {
        "names": list(settings),
        "settings": list(settings.values()),
        "is_local": is_local,
    }
    connection.execute(_SET, values)
