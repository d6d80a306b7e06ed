"""The database and the ``alembic.ini`` that a command uses where none is named."""

from __future__ import annotations

import os
import re
from configparser import Error as ConfigError
from configparser import InterpolationError
from pathlib import Path

import psycopg
from alembic.config import Config
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from townhall.embedded.sockets import is_socket_directory
from townhall.migrate.faults import describe
from townhall.migrate.urls import resolve_url

_UNANSWERED = re.compile(
    r'on socket "(?P<folder>.*)/\.s\.PGSQL\.\d+" failed: (?:No such file|Connection refused)'
)
"""What libpq says of a socket behind which no server is."""


def default_ini() -> Path | None:
    """Return the file that ``ALEMBIC_CONFIG`` names, or ``alembic.ini`` of the working directory.

    None stands for the revisions of this package alone: there is no such file.
    """
    ini = Path(os.environ.get("ALEMBIC_CONFIG", "alembic.ini"))
    return ini if ini.is_file() else None


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


def describe_config_error(error: ConfigError, ini: Path | None) -> str:
    """Return why an ``alembic.ini`` can't be read, without its values: one may be a password.

    Args:
        error: The error.
        ini: The file.
    """
    if isinstance(error, InterpolationError):
        return f"{ini}: write %% for each % of a value"
    return str(error)


def describe_database_error(error: DBAPIError | psycopg.Error) -> str:
    """Return why a statement failed or there is no connection, and what to do where that is known.

    Args:
        error: The error.
    """
    reason = describe(error)
    socket = _UNANSWERED.search(reason)
    if socket is not None and is_socket_directory(Path(socket["folder"])):
        return (
            f"{reason} This is the URL of an embedded server, which runs only while a command uses"
            " it: leave the URL out, and the command starts the server, or keep the server running"
            " with: townhall serve"
        )
    return reason
