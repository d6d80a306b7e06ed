"""Which schemas and objects are compared, and which are never dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, MetaData, text

from townhall.pg import Entity
from townhall.pg.catalog import SIGNATURE, rows

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


@dataclass(frozen=True)
class Scope:
    """The schemas that are compared, in which undeclared objects are proposed to be dropped.

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
            schemas: Further schemas that the application owns: that of its helper functions.
        """
        of_tables = {table.schema for each in metadata for table in each.tables.values()}
        of_entities = {entity.schema for entity in entities}
        named = {"public", *of_tables, *of_entities, *schemas} - PLATFORM_SCHEMAS
        return cls(tuple(sorted(name for name in named if name is not None)))

    def object_filter(
        self, connection: Connection
    ) -> Callable[[Any, str | None, str, bool, Any], bool]:
        """Return Alembic's filter of declared and actual objects.

        Args:
            connection: A connection to the database, to read the tables of other owners.
        """
        of_others = set(connection.execute(text(_TABLES_OF_OTHERS)).scalars())
        default = connection.dialect.default_schema_name

        def is_included(
            item: Any,  # noqa: ANN401 - Alembic's
            name: str | None,
            kind: str,
            reflected: bool,  # noqa: FBT001 - Alembic's
            compare_to: Any,  # noqa: ANN401 - Alembic's
        ) -> bool:
            if kind != "table":
                return True
            undeclared = reflected and compare_to is None
            return item.schema not in PLATFORM_SCHEMAS and not (
                undeclared and f"{item.schema or default}.{name}" in of_others
            )

        return is_included

    def name_filter(
        self, connection: Connection
    ) -> Callable[[str | None, str, MutableMapping[Any, str | None]], bool]:
        """Return Alembic's filter of the names in the database.

        Args:
            connection: A connection to the database, to read the tables that belong to an extension
                or, as partitions, to another table.
        """
        of_others = set(connection.execute(text(_DEPENDENT_TABLES)).scalars())
        default = connection.dialect.default_schema_name

        def is_included(
            name: str | None, kind: str, parents: MutableMapping[Any, str | None]
        ) -> bool:
            if kind == "schema":
                return (name or default) in self.schemas
            if kind == "table":
                return f"{parents['schema_name'] or default}.{name}" not in of_others
            return True

        return is_included


def undroppable_entities(
    connection: Connection, schemas: Sequence[str]
) -> frozenset[tuple[str, ...]]:
    """Return the keys of undeclared entities that are never proposed to be dropped.

    These are entities of a role whose privileges the current one lacks, and functions on which an
    object of a kind depends that can't be declared: an event trigger, an operator, a cast.

    Args:
        connection: A connection within a transaction.
        schemas: Names of schemas.
    """
    found = rows(connection, _UNDROPPABLE_ENTITIES, schemas)
    return frozenset((row["kind"], *row["name"]) for row in found)


_TABLES_OF_OTHERS = """
    select n.nspname || '.' || c.relname
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not pg_catalog.pg_has_role(c.relowner, 'usage')
"""

_UNDROPPABLE_ENTITIES = f"""
    with relations as (
        select c.oid, c.relkind, n.nspname, c.relname
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = any (%(schemas)s)
            and not pg_catalog.pg_has_role(c.relowner, 'usage')
    )
    select
        case r.relkind when 'm' then 'materialized view' else 'view' end as kind,
        array[r.nspname, r.relname]::text[] as name
    from relations as r
    where r.relkind in ('v', 'm')
    union all
    select 'policy', array[r.nspname, r.relname, p.polname]::text[]
    from relations as r
    join pg_catalog.pg_policy as p on p.polrelid = r.oid
    union all
    select 'trigger', array[r.nspname, r.relname, t.tgname]::text[]
    from relations as r
    join pg_catalog.pg_trigger as t on t.tgrelid = r.oid
    union all
    select 'function', array[n.nspname, {SIGNATURE}]::text[]
    from pg_catalog.pg_proc as p
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    where n.nspname = any (%(schemas)s)
        and p.prokind = 'f'
        and (
            not pg_catalog.pg_has_role(p.proowner, 'usage')
            or p.prorettype = 'pg_catalog.event_trigger'::regtype
            or exists (
                select
                from pg_catalog.pg_depend as d
                left join pg_catalog.pg_proc as a on a.oid = d.objid and a.prokind = 'a'
                where d.refclassid = 'pg_catalog.pg_proc'::regclass
                    and d.refobjid = p.oid
                    and (
                        d.classid in (
                            'pg_catalog.pg_cast'::regclass,
                            'pg_catalog.pg_operator'::regclass,
                            'pg_catalog.pg_opfamily'::regclass,
                            'pg_catalog.pg_amproc'::regclass,
                            'pg_catalog.pg_type'::regclass
                        )
                        or d.classid = 'pg_catalog.pg_proc'::regclass and a.oid is not null
                    )
            )
        )
"""

_DEPENDENT_TABLES = """
    select n.nspname || '.' || c.relname
    from pg_catalog.pg_depend as d
    join pg_catalog.pg_class as c on c.oid = d.objid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where d.classid = 'pg_catalog.pg_class'::regclass and d.deptype = 'e'
    union all
    select n.nspname || '.' || c.relname
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relispartition
"""
