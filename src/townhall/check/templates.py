"""What the revisions made, kept as a template database for the next check.

Running the revisions takes most of a check. What they make follows from their own content, from the
code they import, and from the server with its roles: a template's name is the hash of all of it, so
that a template whose revisions have changed is never used again. The newest few stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from uuid import uuid4

from sqlalchemy import URL, text
from sqlalchemy.exc import DBAPIError

from townhall.engines import autocommit, execute
from townhall.migrate.savepoints import sqlstate
from townhall.pg import sql

PREFIX = "townhall_template_"
"""What the name of every template begins with."""

_KEPT_TEMPLATES = 4
_NO_DATABASE, _DATABASE_EXISTS = "3D000", "42P04"


@dataclass(frozen=True)
class Filling:
    """What a scratch database is filled with.

    Attributes:
        digest: Two with the same digest fill a database with the same.
        make: Fills an empty database.
    """

    digest: str
    make: Callable[[URL], None]


def create_filled(filling: Filling, server: URL, database: URL) -> None:
    """Create a filled database, from its template where there is one.

    Args:
        filling: What it is filled with.
        server: A database of the server, as its superuser.
        database: The database to create.
    """
    name = sql.quote(str(database.database))
    template = sql.quote(_name(filling, server))
    try:
        execute(server, f"create database {name} template {template}")
    except DBAPIError as error:
        if sqlstate(error) != _NO_DATABASE:
            raise
        execute(server, f"create database {name} template template0")
        filling.make(database)
        _keep(filling, server, database)


def _name(filling: Filling, server: URL) -> str:
    with autocommit(server) as connection:
        state = connection.scalars(text(_STATE)).one()
    return f"{PREFIX}{sha256(f'{filling.digest}{state}'.encode()).hexdigest()[:32]}"


def _keep(filling: Filling, server: URL, database: URL) -> None:
    # The name is computed again: the revisions may have created roles, which are hashed too.
    name = _name(filling, server)
    with _copied(server, database) as copy, autocommit(server) as connection:
        if connection.scalar(text(_HAS_SETTINGS), {"name": database.database}):
            return  # `create database … template` does not copy the settings of a database
        connection.execute(text(f"alter database {copy} with allow_connections false"))
        try:
            connection.execute(text(f"alter database {copy} rename to {sql.quote(name)}"))
        except DBAPIError as error:
            if sqlstate(error) != _DATABASE_EXISTS:  # a check at the same time kept the same
                raise
        formers = connection.scalars(text(_FORMER), {"prefix": PREFIX, "kept": _KEPT_TEMPLATES})
        for former in formers.all():
            connection.execute(text(f"drop database if exists {sql.quote(former)}"))


@contextmanager
def _copied(server: URL, database: URL) -> Iterator[str]:
    """Copy a database for a block, and drop the copy at its end unless it was renamed."""
    # Its name begins with that of the scratch database, with which it is dropped.
    copy = f"{database.database}_{uuid4().hex[:8]}"
    try:
        execute(server, f"create database {copy} template {sql.quote(str(database.database))}")
        yield copy
    finally:
        execute(server, f"drop database if exists {copy}")


_STATE = """
    select version() || (
        select string_agg(r::text, '' order by r.oid)
        from pg_catalog.pg_roles as r
        where not starts_with(r.rolname, 'townhall_check_')
    )
"""

_HAS_SETTINGS = """
    select exists (
        select
        from pg_catalog.pg_db_role_setting as s
        join pg_catalog.pg_database as d on d.oid = s.setdatabase
        where d.datname = :name
    )
"""

_FORMER = """
    select d.datname
    from pg_catalog.pg_database as d
    where starts_with(d.datname, :prefix)
    order by d.oid desc
    offset :kept
"""
