"""The scratch database, in which the revisions run to show what they make."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, cast
from uuid import uuid4

from sqlalchemy import URL, Connection, NullPool, create_engine, make_url, text

from townhall import embedded
from townhall.check.errors import CheckError
from townhall.embedded import EmbeddedServerError
from townhall.migrate.urls import psycopg_url
from townhall.pg import sql
from townhall.pg.catalog import server_version

PREFIX = "townhall_check_"
"""What the name of every scratch database begins with."""


@contextmanager
def scratch_database(version: int, named: str | None) -> Iterator[URL]:
    """Create an empty database on a server of the given version, and drop it at the end.

    Args:
        version: The major version of PostgreSQL: another one renders the same schema differently.
        named: The URL of a database on the server to use, as a role that may create databases; None
            for the embedded server.

    Raises:
        CheckError: The named server has another version, or the embedded server does not have this
            one.
    """
    with _server(version, named) as server:
        with _autocommit(server) as connection:
            if (other := server_version(connection)) != version:
                raise CheckError(
                    f"the database runs on PostgreSQL {version}, the server that --scratch names on"
                    f" {other}: name a server of the same major version"
                )
        name = f"{PREFIX}{uuid4().hex[:16]}"
        try:
            _execute(server, f"create database {sql.quote(name)} template template0")
            yield server.set(database=name)
        finally:
            _execute(server, f"drop database if exists {sql.quote(name)} with (force)")


@contextmanager
def _server(version: int, named: str | None) -> Iterator[URL]:
    if named is not None:
        yield psycopg_url(named, "--scratch")
        return
    try:
        server = embedded.start(version=cast("Literal[16, 18]", version))
    except EmbeddedServerError as error:
        raise CheckError(
            f"{error} Or name a server of PostgreSQL {version} with --scratch, as a role that may"
            " create databases there."
        ) from None
    with server:
        yield make_url(server.url)


@contextmanager
def _autocommit(url: URL) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection


def _execute(url: URL, statement: str) -> None:
    # Each statement has its own connection: a signal may have left the former one unusable.
    with _autocommit(url) as connection:
        connection.execute(text(statement))
