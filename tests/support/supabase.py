"""Databases set up as a hosted Supabase project has them, for tests of migrations."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import URL, make_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from townhall.testing.databases import Databases

_FOLDER = Path(__file__).parent
_ROLES = (_FOLDER / "supabase_roles.sql").read_text()
_DATABASE = (_FOLDER / "supabase.sql").read_text()
_CLOSED = (_FOLDER / "supabase_closed.sql").read_text()

_LOGIN_ROLES = ("authenticator", "supabase_auth_admin", "supabase_postgres")
_LOCK = 8_620_511_017


class DefaultPrivileges(StrEnum):
    """The default privileges on tables and functions that the migrating role creates."""

    OPEN = "open"
    """Everything, to every API role: projects from before 2026-05-30, until 2026-10-30."""

    CLOSED = "closed"
    """Nothing that reads or writes, as in all projects since."""


EITHER_DEFAULT = (
    DefaultPrivileges.OPEN,
    pytest.param(DefaultPrivileges.CLOSED, marks=pytest.mark.exhaustive),
)
"""Parameters of a test: the one with more privileges in every run, the other exhaustively."""


@dataclass(frozen=True)
class SupabaseDatabase:
    """The URLs of a database like one hosted by Supabase, by role."""

    superuser: str
    """As the superuser of the server, which customers of Supabase don't have."""

    @property
    def postgres(self) -> str:
        """As the role that migrates: ``supabase_postgres`` here, ``postgres`` there."""
        return self.url_of("supabase_postgres", search_path='"$user",public,extensions')

    @property
    def auth_admin(self) -> str:
        """As the role that creates, changes and deletes accounts."""
        return self.url_of("supabase_auth_admin", search_path="auth")

    @property
    def authenticator(self) -> str:
        """As the role that an API logs in with, to take the role of a request."""
        return self.url_of("authenticator", search_path='"$user",public,extensions')

    def url_of(self, role: str, *, search_path: str) -> str:
        """Return the URL of a role that may log in."""
        url = make_url(self.superuser).set(username=role)
        url = url.update_query_dict({"options": f"-csearch_path={search_path}"})
        return url.render_as_string(hide_password=False)


@contextmanager
def supabase_database(
    databases: Databases, default_privileges: DefaultPrivileges
) -> Iterator[SupabaseDatabase]:
    """Create a database like Supabase's for a block.

    The test is skipped where the server's role is no superuser: only a superuser can create one.

    Args:
        databases: The server.
        default_privileges: The default privileges of the project.
    """
    create_roles(databases)
    with databases.create() as superuser:
        with _connect(make_url(superuser)) as connection:
            connection.execute(_DATABASE)
            if default_privileges is DefaultPrivileges.CLOSED:
                connection.execute(_CLOSED)
        yield SupabaseDatabase(superuser)


def create_roles(databases: Databases) -> None:
    """Create what is missing of Supabase's roles on a server, one worker at a time.

    They stay there. Those that log in have the password of the superuser, if it has one.

    Args:
        databases: The server.
    """
    password = databases.server.password
    with _connect(databases.server) as server:
        if server.info.parameter_status("is_superuser") != "on":
            pytest.skip("only a superuser can make the roles of Supabase")
        server.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        if server.execute("select to_regrole('supabase_postgres')").fetchone() == (None,):
            server.execute(_ROLES)
        for role in _LOGIN_ROLES if password else ():
            server.execute(
                sql.SQL("alter role {} password {}").format(
                    sql.Identifier(role), sql.Literal(password)
                )
            )


def _connect(url: URL) -> psycopg.Connection:
    return psycopg.connect(**url.get_dialect()().create_connect_args(url)[1])
