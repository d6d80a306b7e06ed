"""Databases for tests: created, cloned from a template, owned by an ordinary role, and dropped."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Composed, Identifier
from pytest_postgresql.janitor import DatabaseJanitor
from sqlalchemy import make_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL

    from townhall.roles import Roles

OWNER = "townhall_test_owner"
"""The ordinary role that owns databases for tests on a server of a superuser."""

_LOCK = 8_620_511_018  # the key of an advisory lock


class Databases:
    """Creates databases on one server and drops them again.

    A name is never used twice, so that several test runs and several workers can share a server.
    """

    def __init__(self, server: str) -> None:
        """Bind to a server.

        Args:
            server: SQLAlchemy URL of a database on it that always exists; its role may create
                databases.
        """
        self.server = make_url(server)

    @contextmanager
    def create(
        self,
        template: str | None = None,
        *,
        owner: str | None = None,
        as_template: bool = False,
    ) -> Iterator[str]:
        """Create a database for a block, and drop it at the end even if it has connections.

        Args:
            template: URL of the database to clone, which has no connections; without it the new
                database is empty.
            owner: The role that owns the database; without it the role of the server's URL.
            as_template: Whether other databases will be cloned from the new one.

        Yields:
            The SQLAlchemy URL of the new database, with the role of the server's URL.
        """
        name = f"townhall_{uuid4().hex[:16]}"
        source = make_url(template).database if template else "template0"
        janitor = _Janitor(
            self.server, name, template=source, as_template=as_template, strategy=self._strategy
        )
        with janitor:
            if owner is not None:
                with self._connect() as connection:
                    change = SQL("alter database {} owner to {}")
                    connection.execute(change.format(Identifier(name), Identifier(owner)))
            yield self.server.set(database=name).render_as_string(hide_password=False)

    def create_owner(self, roles: Roles) -> str | None:
        """Create the ordinary role that owns databases for tests, unless the server has it.

        In production the role that migrates is no superuser. A function with its owner's rights
        proves nothing in a test where its owner is one.

        Args:
            roles: The roles of the application. Those that are missing are created, since an
                ordinary role can't create each of them.

        Returns:
            The name of the role; None where the role of the server's URL is an ordinary one, which
            can own the databases itself.
        """
        with self._connect() as connection:
            if connection.info.parameter_status("is_superuser") != "on":
                return None
            connection.execute("select pg_advisory_lock(%s)", [_LOCK])
            for role in roles.names:
                _create_role(connection, role, bypasses=role == roles.service)
            _create_role(connection, OWNER)
            # By inheritance it has the privileges of the owner of the database on schema public.
            connection.execute(SQL("alter role {} inherit createrole").format(Identifier(OWNER)))
            for role in roles.names:
                grant = SQL("grant {} to {}")
                connection.execute(grant.format(Identifier(role), Identifier(OWNER)))
        return OWNER

    @cached_property
    def _strategy(self) -> SQL:
        """How a database is copied: as files where nothing waits for the disk, at half the cost."""
        with self._connect() as connection:
            syncs = connection.execute("select current_setting('fsync')").fetchone()
        return SQL("file_copy") if syncs == ("off",) else SQL("wal_log")

    @contextmanager
    def _connect(self) -> Iterator[psycopg.Connection]:
        with psycopg.connect(**_arguments(self.server), autocommit=True) as connection:
            yield connection


def with_role(url: str, role: str | None) -> str:
    """Return the URL of a database whose connections take a role at once.

    Args:
        url: SQLAlchemy URL of a database, whose own role may take the other one.
        role: The role; None leaves the URL as it is.
    """
    if role is None:
        return url
    parsed = make_url(url)
    options = f"{parsed.query.get('options', '')} -crole={role}".strip()
    changed = parsed.update_query_dict({"options": options})
    return changed.render_as_string(hide_password=False)


def _create_role(connection: psycopg.Connection, role: str, *, bypasses: bool = False) -> None:
    exists = connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone()
    if not exists:
        attributes = SQL("nologin noinherit bypassrls" if bypasses else "nologin noinherit")
        connection.execute(SQL("create role {} {}").format(Identifier(role), attributes))


def _arguments(url: URL) -> dict[str, Any]:
    arguments = url.get_dialect()().create_connect_args(url)[1]
    return dict(arguments)


class _Janitor(DatabaseJanitor):
    """A janitor for every form of URL: sockets, TLS, options of the driver."""

    def __init__(
        self, server: URL, name: str, *, template: str | None, as_template: bool, strategy: SQL
    ) -> None:
        super().__init__(
            user=server.username or "",
            host=server.host or "",
            port=server.port or "",
            dbname=name,
            template_dbname=template,
            as_template=as_template,
        )
        self._arguments = _arguments(server)
        self._strategy = strategy

    def _build_create_database_sql(self) -> Composed:
        return super()._build_create_database_sql() + SQL(" strategy ") + self._strategy

    @contextmanager
    def cursor(self, dbname: str | None = None) -> Iterator[psycopg.Cursor]:
        arguments = {**self._arguments, **({"dbname": dbname} if dbname else {})}
        with psycopg.connect(**arguments, autocommit=True) as connection:
            yield connection.cursor()
