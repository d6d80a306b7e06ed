"""What is ours to compare and to drop, and what is somebody else's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, MetaData, text

from townhall.pg import Entity

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
"""Schemas of Supabase, of PostgreSQL and of extensions: never compared, never dropped from."""

OWN_SCHEMAS = ("public", "private")


@dataclass(frozen=True)
class Scope:
    """The schemas in which what nobody declared is proposed to be dropped.

    Attributes:
        schemas: Names of schemas, ``public`` among them.
    """

    schemas: tuple[str, ...]

    @classmethod
    def of(
        cls, metadata: Iterable[MetaData], entities: Iterable[Entity], schemas: Iterable[str]
    ) -> Scope:
        """Return the scope of what is declared.

        Args:
            metadata: The declared tables.
            entities: The declared entities.
            schemas: Further schemas that the application owns.
        """
        of_tables = {table.schema for each in metadata for table in each.tables.values()}
        of_entities = {entity.schema for entity in entities}
        named = {*OWN_SCHEMAS, *of_tables, *of_entities, *schemas} - PLATFORM_SCHEMAS
        return cls(tuple(sorted(name for name in named if name is not None)))

    def includes_object(
        self,
        schema_item: Any,  # noqa: ANN401 - Alembic's
        name: str | None,
        kind: str,
        reflected: bool,  # noqa: FBT001 - Alembic's
        compare_to: Any,  # noqa: ANN401 - Alembic's
    ) -> bool:
        """Tell Alembic whether a declared or found object takes part."""
        del name, reflected, compare_to
        return not (kind == "table" and schema_item.schema in PLATFORM_SCHEMAS)

    def name_filter(
        self, connection: Connection
    ) -> Callable[[str | None, str, MutableMapping[Any, str | None]], bool]:
        """Return the filter that tells Alembic which names of the database to look at.

        Args:
            connection: A connection to the database, to ask for the extensions' tables.
        """
        of_extensions = set(connection.execute(text(_TABLES_OF_EXTENSIONS)).scalars())
        default = connection.dialect.default_schema_name

        def is_included(
            name: str | None, kind: str, parents: MutableMapping[Any, str | None]
        ) -> bool:
            if kind == "schema":
                return (name or default) in self.schemas
            if kind == "table":
                return f"{parents['schema_name'] or default}.{name}" not in of_extensions
            return True

        return is_included


_TABLES_OF_EXTENSIONS = """
    select n.nspname || '.' || c.relname
    from pg_catalog.pg_depend as d
    join pg_catalog.pg_class as c on c.oid = d.objid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where d.classid = 'pg_catalog.pg_class'::regclass and d.deptype = 'e'
"""
