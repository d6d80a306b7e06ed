"""Making and dropping the databases that tests run on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
from pytest_postgresql.janitor import DatabaseJanitor
from sqlalchemy import make_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL


class Databases:
    """Makes databases on one server and drops them again.

    A name is never used twice, so that several test runs and several workers can share a server.
    """

    def __init__(self, server: str) -> None:
        """Work on a server.

        Args:
            server: SQLAlchemy URL of a database on it that is always there; its role may create
                databases.
        """
        self.server = make_url(server)

    @contextmanager
    def create(self, template: str | None = None, *, as_template: bool = False) -> Iterator[str]:
        """Hold a database of one's own, dropped at the end whoever is still connected to it.

        Args:
            template: URL of the database to clone, nobody connected to it; without it the new
                database is an empty one.
            as_template: Whether other databases will be cloned from the new one.

        Yields:
            The SQLAlchemy URL of the new database.
        """
        name = f"townhall_{uuid4().hex[:16]}"
        source = make_url(template).database if template else "template0"
        with _Janitor(self.server, name, template=source, as_template=as_template):
            yield self.server.set(database=name).render_as_string(hide_password=False)


class _Janitor(DatabaseJanitor):
    """A janitor for whatever a URL can say: sockets, TLS, options of the driver."""

    def __init__(self, server: URL, name: str, *, template: str | None, as_template: bool) -> None:
        super().__init__(
            user=server.username or "",
            host=server.host or "",
            port=server.port or "",
            dbname=name,
            template_dbname=template,
            as_template=as_template,
        )
        self._arguments = server.get_dialect()().create_connect_args(server)[1]

    @contextmanager
    def cursor(self, dbname: str | None = None) -> Iterator[psycopg.Cursor]:
        arguments = {**self._arguments, **({"dbname": dbname} if dbname else {})}
        with psycopg.connect(**arguments, autocommit=True) as connection:
            yield connection.cursor()
