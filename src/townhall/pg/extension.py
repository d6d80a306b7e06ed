"""Extensions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

from sqlalchemy import Connection

from townhall.pg import catalog, sql
from townhall.pg.entity import Entity

PREINSTALLED = frozenset(
    {
        "pg_graphql",
        "pg_stat_statements",
        "pgcrypto",
        "pgjwt",
        "pgsodium",
        "plpgsql",
        "supabase_vault",
        "uuid-ossp",
    }
)
"""The extensions of every Supabase project, and of every PostgreSQL: they are never dropped."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Extension(Entity):
    """An extension of PostgreSQL.

    An undeclared one is dropped only where a revision of the application created it. What an
    extension brings is never compared. The schema is created where it is missing.

    Attributes:
        name: The name of the extension: ``pg_trgm``.
        schema: The schema of its objects; on Supabase that is ``extensions``.
        version: The version to create; None for the newest one of the server. An extension that
            exists keeps its version.
    """

    kind: ClassVar[str] = "extension"
    is_for_platform: ClassVar[bool] = True
    precedes_tables: ClassVar[bool] = True
    name_fields: ClassVar[tuple[str, ...]] = ("name",)

    name: str
    version: str | None = field(default=None, compare=False)

    @property
    def name_parts(self) -> tuple[str, ...]:
        """The name, which is unique in a database."""
        return (self.name,)

    @property
    def is_shared(self) -> bool:
        """Always: the platform, and who runs the server, create extensions as well."""
        return True

    def create_statements(self) -> Iterable[str]:
        """Yield the creation, and the move of an existing one from another schema."""
        version = "" if self.version is None else f" version {sql.literal(self.version)}"
        name = sql.quote(self.name)
        yield f"create extension if not exists {name} schema {self.literal_schema}{version}"
        # Only its owner may alter it, even where nothing changes.
        body = f"""
begin
    if not exists (
        select
        from pg_catalog.pg_extension as e
        join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
        where e.extname = {sql.literal(self.name)} and n.nspname = {sql.literal(self.schema)}
    ) then
        alter extension {name} set schema {self.literal_schema};
    end if;
end
"""
        yield f"do {sql.dollar_quoted(body)}"

    def drop_statements(self) -> Iterable[str]:
        """Yield the drop of the extension, unless it is a preinstalled one."""
        if self.name not in PREINSTALLED:
            yield f"drop extension if exists {sql.quote(self.name)}"

    @classmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> Sequence[Self]:
        """Return all extensions, whichever schema their objects are in."""
        return [cls.found(**row) for row in catalog.rows(connection, _QUERY, schemas)]


_QUERY = """
    select e.extname as name, n.nspname as schema
    from pg_catalog.pg_extension as e
    join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
"""
