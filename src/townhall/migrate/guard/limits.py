"""What the settings of a role must not do to a run: end it, hide rows or move new objects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from alembic.util import CommandError
from sqlalchemy import Connection, text

from townhall.migrate.savepoints import ONE_BY_ONE
from townhall.pg import sql

_ENDLESS = (
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "statement_timeout",
    "transaction_timeout",
)
"""Limits of a role for its requests, which a migration must not fall under."""

# Otherwise policies that are forced on the owner hide rows from its updates, and a foreign key is
# taken for valid though rows break it.
_SEES_ALL = {"row_security": "off"}
"""Makes PostgreSQL refuse a statement from which row level security would hide rows."""

_SEARCH_PATH = "search_path"

# In its parallel mode Citus runs the DDL of a distributed table on several connections, and refuses
# further DDL in the same transaction. A server without Citus has no such setting.
_CITUS = "citus.multi_shard_modify_mode"

# PostgreSQL reads further forms, such as octal numbers, which are refused.
_DURATION = re.compile(
    r"\s*(?P<number>(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)\s*(?P<unit>us|ms|s|min|h|d)?\s*",
    re.ASCII,
)
_MILLISECONDS = {
    "us": 0.001,
    "ms": 1,
    "s": 1000,
    "min": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
}
_LONGEST = 2**31 - 1  # milliseconds

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

    A statement from which row level security would hide rows is refused, and unqualified names are
    created in ``public``, also once a revision has created the schema that comes before it.

    Args:
        connection: A connection outside a transaction.
        lock_timeout: How long a statement waits for a lock, as PostgreSQL writes durations.

    Raises:
        CommandError: ``lock_timeout`` is not a duration.
    """
    previous = _set_limits(connection, lock_timeout, _SEES_ALL, is_local=False)
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

    Unqualified names are created in ``public``, as in a migration.

    Args:
        connection: A connection within a transaction.
        lock_timeout: How long a statement waits for a lock, as PostgreSQL writes durations.

    Raises:
        CommandError: ``lock_timeout`` is not a duration.
    """
    _set_limits(connection, lock_timeout, {}, is_local=True)


def limits_of_script(lock_timeout: str) -> list[str]:
    """Return the statements that set the limits of the session that runs a script.

    Args:
        lock_timeout: How long a statement waits for a lock, as PostgreSQL writes durations.

    Raises:
        CommandError: ``lock_timeout`` is not a duration.
    """
    milliseconds(lock_timeout)  # refuses what is none
    return [
        f"set lock_timeout = {sql.literal(lock_timeout)}",
        *(f"set {name} = 0" for name in _ENDLESS if name != "transaction_timeout"),
        _where_there_is_one("set", " = 0"),
        *(f"set {name} = {value}" for name, value in _SEES_ALL.items()),
    ]


def reset_of_script() -> list[str]:
    """Return the statements that give the session of a script its own limits back."""
    names = ("lock_timeout", *_ENDLESS, *_SEES_ALL)
    always = [f"reset {name}" for name in names if name != "transaction_timeout"]
    return [*always, _where_there_is_one("reset")]


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


def _set_limits(
    connection: Connection, lock_timeout: str, others: Mapping[str, str], *, is_local: bool
) -> dict[str, str]:
    milliseconds(lock_timeout)  # refuses what is none
    settings = {"lock_timeout": lock_timeout, **dict.fromkeys(_ENDLESS, "0"), **others}
    settings[_CITUS] = "sequential"
    found = connection.execute(_SELECT, {"names": [*settings, _SEARCH_PATH]})
    previous = {row.name: row.setting for row in found}
    settings[_SEARCH_PATH] = _with_public_first(previous[_SEARCH_PATH])
    connection.info[ONE_BY_ONE] = _CITUS in previous
    wanted = {name: settings[name] for name in previous}
    _set(connection, wanted, is_local=is_local)
    return previous


def _with_public_first(search_path: str) -> str:
    schemas = sql.split_list(search_path)
    if schemas[0] == "public":
        return search_path
    return sql.join_list(["public", *filter(None, schemas)])


def milliseconds(duration: str, name: str = "the lock timeout", unit: str = "ms") -> float:
    """Return a duration in milliseconds.

    Args:
        duration: A duration, as PostgreSQL writes durations.
        name: What lasts so long, for the error.
        unit: The unit of a number without one.

    Raises:
        CommandError: It is not a duration.
    """
    match = _DURATION.fullmatch(duration)
    if match is not None:
        found = float(match["number"]) * _MILLISECONDS[match["unit"] or unit]
        if found <= _LONGEST:
            return found
    raise CommandError(
        f"{name} {duration} is no duration of at most 24 days: write for example 5s or 500ms"
    )


def _set(connection: Connection, settings: dict[str, str], *, is_local: bool) -> None:
    values = {
        "names": list(settings),
        "settings": list(settings.values()),
        "is_local": is_local,
    }
    connection.execute(_SET, values)
