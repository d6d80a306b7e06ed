"""The URL of the database that a command works on."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from townhall import embedded
from townhall.input_error import InputError

_POSTGRESQL_NAMES = (
    "postgres",
    "postgresql",
    "postgresql+psycopg",
    "postgresql+psycopg_async",  # the same driver
)


def resolve_url(explicit: str | None = None, ini: str | None = None) -> URL:
    """Return the URL of the database to work on.

    The first of these is used: ``explicit``, the environment variable ``DATABASE_URL``, ``ini``,
    the embedded server, which is started.

    Args:
        explicit: A URL given on the command line (``-x url=…``, ``--url``) or in Python.
        ini: ``sqlalchemy.url`` of ``alembic.ini``.

    Returns:
        A URL for the psycopg 3 driver.

    Raises:
        InputError: The URL is malformed, or is not for PostgreSQL; or no URL is set, and the
            working directory is within a project, which has an embedded server of its own.
        EmbeddedServerError: No URL is set and the embedded server can't start.
    """
    named = (
        ("the given URL", explicit),
        ("DATABASE_URL", os.environ.get("DATABASE_URL")),
        ("sqlalchemy.url of alembic.ini", ini),
    )
    for source, url in named:
        if url:
            return psycopg_url(url, source)
    _refuse_within_project(Path.cwd())
    return make_url(embedded.start().url)


def _refuse_within_project(here: Path) -> None:
    if _is_of_project(here) or (here / ".townhall").is_dir():
        return
    project = next(filter(_is_of_project, here.parents), None)
    if project is not None:
        raise InputError(
            f"no database is named, and {here} is a folder within the project {project}, whose"
            " embedded server is another one: run the command there, or name a database with"
            " DATABASE_URL or --url"
        )


def _is_of_project(folder: Path) -> bool:
    return (folder / "alembic.ini").is_file()


def psycopg_url(url: str, source: str) -> URL:
    """Return ``url`` for the psycopg 3 driver.

    Args:
        url: A PostgreSQL URL that begins with ``postgres://``, ``postgresql://`` or
            ``postgresql+psycopg://``.
        source: Where the URL comes from, for the error message.

    Raises:
        InputError: The URL is malformed, or is not for PostgreSQL. The message does not contain
            it, since it may contain a password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise InputError(
            f"{source} is not a database URL; write postgresql://user:password@host:port/database,"
            " in a password %40 for @"
        ) from None
    if parsed.drivername not in _POSTGRESQL_NAMES:
        raise InputError(
            f"{source} is for {parsed.drivername!r}; townhall needs PostgreSQL with psycopg 3:"
            " write postgresql://user:password@host:port/database"
        )
    if "@" in (parsed.host or ""):
        raise InputError(f"{source} has more than one @; in a password write %40 for it")
    for host in _hosts(parsed):
        if not _is_name(host):
            raise InputError(f"{source} has a host that is no host name: {host}")
    return parsed.set(drivername="postgresql+psycopg")


def _hosts(url: URL) -> list[str]:
    listed = [url.host or "", *url.normalized_query.get("host", ())]
    return [host for hosts in listed for host in hosts.split(",")]


def _is_name(host: str) -> bool:
    if host.startswith(("/", "@")):  # the folder of a socket
        return True
    # As Python encodes it to look it up: a label has one to 63 characters.
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True
