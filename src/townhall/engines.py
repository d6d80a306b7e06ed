"""The engines with which townhall connects by itself."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, text


def engine_of(url: URL, **options: Any) -> Engine:  # noqa: ANN401 - those of SQLAlchemy
    """Return an engine that keeps no connection and calls nothing before its caller does.

    SQLAlchemy has psycopg look for the type ``hstore`` when an engine first connects, by functions
    and operators on the search path of the role, where others may have their own.

    Args:
        url: The database.
        options: Further arguments of ``create_engine``, which take precedence.
    """
    return create_engine(url, **{"poolclass": NullPool, "use_native_hstore": False, **options})


def autocommit(url: URL) -> Connection:
    """Return a connection that commits each statement, for a ``with`` block.

    Args:
        url: The database.
    """
    return engine_of(url, isolation_level="AUTOCOMMIT").connect()


def execute(url: URL, statement: str) -> None:
    """Execute a statement in a connection of its own, and commit it.

    A signal may have left a connection unusable that was open before.

    Args:
        url: The database.
        statement: SQL without parameters.
    """
    with autocommit(url) as connection:
        connection.execute(text(statement))
