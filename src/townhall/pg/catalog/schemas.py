"""Schemas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from townhall.pg.catalog.fragments import (
    comment,
    entries,
    not_of_an_extension,
    other_owner,
    rows,
)

PLATFORM_SCHEMAS = frozenset(
    {
        "auth",
        "cron",
        "extensions",
        "graphql",
        "graphql_public",
        "information_schema",
        "net",
        "pgbouncer",
        "pgsodium",
        "realtime",
        "storage",
        "supabase_functions",
        "supabase_migrations",
        "vault",
    }
)
"""Schemas of Supabase, of PostgreSQL and of extensions: neither compared nor dropped from."""


@dataclass(frozen=True)
class Schema:
    """A schema.

    Attributes:
        name: The name of the schema.
        comment: The comment on the schema.
        owner: The owner, where that is not the current role.
        is_of_extension: Whether an extension created it.
        entries: The entries of its access control list except the owner's.
    """

    name: str
    comment: str | None
    owner: str | None
    is_of_extension: bool
    entries: Sequence[Mapping[str, Any]]

    @property
    def is_of_platform(self) -> bool:
        """Whether the platform made it: it has a name of the platform's, and no revision made it.

        On plain PostgreSQL a revision creates ``auth``, and says so in its comment.
        """
        return self.name in PLATFORM_SCHEMAS and not (self.comment or "").startswith("townhall:")


def read_schemas(connection: Connection, names: Sequence[str]) -> list[Schema]:
    """Return those of some schemas that exist.

    Args:
        connection: A connection within a transaction.
        names: Names of schemas.
    """
    return [Schema(**row) for row in rows(connection, _QUERY, names)]


def schema_names(connection: Connection) -> list[str]:
    """Return the names of all schemas except those of PostgreSQL and of extensions.

    Args:
        connection: A connection within a transaction.
    """
    return [row["name"] for row in rows(connection, _NAMES, [])]


_NAMES = f"""
    select n.nspname as name
    from pg_catalog.pg_namespace as n
    where n.nspname !~ '^pg_'
        and n.nspname <> 'information_schema'
        and {not_of_an_extension("pg_namespace", "n")}
    order by 1
"""

_QUERY = f"""
    select
        n.nspname as name,
        {comment("pg_namespace", "n")} as comment,
        {other_owner("n.nspowner")} as owner,
        not ({not_of_an_extension("pg_namespace", "n")}) as is_of_extension,
        coalesce({entries("n.nspacl", "n.nspowner", "n")}, '[]') as entries
    from pg_catalog.pg_namespace as n
    where n.nspname = any (%(schemas)s)
"""
