"""Which database a command means."""

from __future__ import annotations

import os

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from townhall import embedded

_POSTGRESQL_NAMES = ("postgres", "postgresql", "postgresql+psycopg")


def resolve_url(explicit: str | None = None, ini: str | None = None) -> URL:
    """Return the URL of the database to work on.

    The first that is there wins: ``explicit``, the environment variable ``DATABASE_URL``, ``ini``,
    and the embedded server, which is started for it.

    Args:
        explicit: A URL given on the command line (``-x url=…``, ``--url``) or in Python.
        ini: ``sqlalchemy.url`` of ``alembic.ini``.

    Returns:
        A URL for the psycopg 3 driver, whichever way PostgreSQL was spelled.

    Raises:
        ValueError: The URL can't be read, or it is no PostgreSQL URL.
        EmbeddedServerError: No URL was named and the embedded server can't start.
    """
    named = (
        ("the given URL", explicit),
        ("DATABASE_URL", os.environ.get("DATABASE_URL")),
        ("sqlalchemy.url of alembic.ini", ini),
    )
    for source, url in named:
        if url:
            return psycopg_url(url, source)
    return make_url(embedded.start().url)


def psycopg_url(url: str, source: str) -> URL:
    """Return ``url`` for the psycopg 3 driver.

    Args:
        url: Any spelling of a PostgreSQL URL; ``postgres://`` and ``postgresql://`` are welcome.
        source: Where the URL was named, for the error message.

    Raises:
        ValueError: The URL can't be read, or it is no PostgreSQL URL. Its text is not repeated,
            since it may hold a password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ValueError(
            f"{source} is no database URL; write postgresql://user:password@host:port/database,"
            " in a password %40 for @"
        ) from None
    if parsed.drivername not in _POSTGRESQL_NAMES:
        raise ValueError(
            f"{source} names {parsed.drivername!r}; townhall needs PostgreSQL with psycopg 3:"
            " write postgresql://user:password@host:port/database"
        )
    if "@" in (parsed.host or ""):
        raise ValueError(f"{source} has more than one @; in a password write %40 for it")
    return parsed.set(drivername="postgresql+psycopg")
