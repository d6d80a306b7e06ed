"""The database that a command uses where none is named."""

from __future__ import annotations

from pathlib import Path

from alembic.config import Config
from sqlalchemy import URL

from townhall.migrate.urls import resolve_url


def database_of(url: str | None, ini: Path | None) -> URL:
    """Return the URL of the database to work on; the embedded server is started for it.

    Args:
        url: The URL that was given, if one was.
        ini: The ``alembic.ini`` whose ``sqlalchemy.url`` is used where neither a URL was given nor
            ``DATABASE_URL`` is set.

    Raises:
        InputError: The URL is malformed, or is not for PostgreSQL.
        ConfigError: The file can't be read.
        EmbeddedServerError: No URL is set and the embedded server can't start.
    """
    is_read = ini is not None and ini.is_file()
    return resolve_url(url, Config(ini).get_main_option("sqlalchemy.url") if is_read else None)
