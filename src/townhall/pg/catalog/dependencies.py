"""Which objects belong to another one or to other roles, and which are never dropped."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

from townhall.pg.catalog.fragments import SIGNATURE, Key, kept_for_a_partition, kind_of_type, rows
from townhall.pg.catalog.tables import TableName


def tables_of_other_roles(connection: Connection) -> set[TableName]:
    """Return schema and name of the tables of roles whose privileges the current one lacks.

    Args:
        connection: A connection to the database.
    """
    return {(row.schema, row.name) for row in connection.execute(text(_TABLES_OF_OTHER_ROLES))}


def tables_of_other_objects(connection: Connection) -> set[TableName]:
    """Return schema and name of the tables that belong to an extension, and of partitions.

    Args:
        connection: A connection to the database.
    """
    return {(row.schema, row.name) for row in connection.execute(text(_TABLES_OF_OTHER_OBJECTS))}


def foreign_keys_of_partitions(connection: Connection) -> set[tuple[str, str, str]]:
    """Return schema, table and name of the foreign keys to single partitions.

    PostgreSQL keeps one for each partition of the table that a foreign key refers to.

    Args:
        connection: A connection to the database.
    """
    found = connection.execute(text(_FOREIGN_KEYS_OF_PARTITIONS))
    return {(row.schema, row.table, row.name) for row in found}


def undroppable_entities(connection: Connection, schemas: Sequence[str]) -> frozenset[Key]:
    """Return the keys of undeclared entities that are never proposed to be dropped.

    These are entities of a role whose privileges the current one lacks, policies and triggers of a
    partition alone, and functions on which an object of a kind depends that can't be declared: an
    event trigger, an operator, a cast.

    Args:
        connection: A connection within a transaction, whose ``search_path`` is empty.
        schemas: Names of schemas.
    """
    keys = rows(connection, _UNDROPPABLE_ENTITIES, schemas)
    return frozenset((row["kind"], *row["name"]) for row in keys)


_TABLES_OF_OTHER_ROLES = """
    select n.nspname as schema, c.relname as name
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not pg_catalog.pg_has_role(c.relowner, 'usage')
"""

_TABLES_OF_OTHER_OBJECTS = """
    select n.nspname as schema, c.relname as name
    from pg_catalog.pg_depend as d
    join pg_catalog.pg_class as c on c.oid = d.objid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where d.classid = 'pg_catalog.pg_class'::regclass and d.deptype = 'e'
    union all
    select n.nspname, c.relname
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relispartition
"""

_FOREIGN_KEYS_OF_PARTITIONS = f"""
    select n.nspname as schema, c.relname as table, o.conname as name
    from pg_catalog.pg_constraint as o
    join pg_catalog.pg_class as c on c.oid = o.conrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where {kept_for_a_partition("o")}
"""

_UNDROPPABLE_ENTITIES = f"""
    with relations as (
        select c.oid, c.relkind, n.nspname, c.relname
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = any (%(schemas)s)
            and (c.relispartition or not pg_catalog.pg_has_role(c.relowner, 'usage'))
    )
    select
        case r.relkind when 'm' then 'materialized view' else 'view' end as kind,
        array[r.nspname, r.relname]::text[] as name
    from relations as r
    where r.relkind in ('v', 'm')
    union all
    select 'sequence', array[r.nspname, r.relname]::text[]
    from relations as r
    where r.relkind = 'S'
    union all
    select
        {kind_of_type("t")},
        array[n.nspname, t.typname]::text[]
    from pg_catalog.pg_type as t
    join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
    where t.typtype in ('c', 'd', 'e', 'r')
        and n.nspname = any (%(schemas)s)
        and not pg_catalog.pg_has_role(t.typowner, 'usage')
    union all
    select 'policy', array[r.nspname, r.relname, p.polname]::text[]
    from relations as r
    join pg_catalog.pg_policy as p on p.polrelid = r.oid
    union all
    select 'trigger', array[r.nspname, r.relname, t.tgname]::text[]
    from relations as r
    join pg_catalog.pg_trigger as t on t.tgrelid = r.oid
    union all
    select 'publication table', array[n.nspname, c.relname, p.pubname]::text[]
    from pg_catalog.pg_publication_rel as m
    join pg_catalog.pg_publication as p on p.oid = m.prpubid
    join pg_catalog.pg_class as c on c.oid = m.prrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = any (%(schemas)s)
        and (c.relispartition or not pg_catalog.pg_has_role(p.pubowner, 'usage'))
    union all
    select
        case p.prokind when 'p' then 'procedure' else 'function' end,
        array[n.nspname, {SIGNATURE}]::text[]
    from pg_catalog.pg_proc as p
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    where n.nspname = any (%(schemas)s)
        and p.prokind in ('f', 'p')
        and (
            not pg_catalog.pg_has_role(p.proowner, 'usage')
            or p.prorettype = 'pg_catalog.event_trigger'::regtype
            or exists (
                select
                from pg_catalog.pg_depend as d
                left join pg_catalog.pg_proc as a on a.oid = d.objid and a.prokind = 'a'
                left join pg_catalog.pg_type as t on t.oid = d.objid and t.typtype <> 'd'
                where d.refclassid = 'pg_catalog.pg_proc'::regclass
                    and d.refobjid = p.oid
                    and (
                        d.classid in (
                            'pg_catalog.pg_cast'::regclass,
                            'pg_catalog.pg_operator'::regclass,
                            'pg_catalog.pg_opfamily'::regclass,
                            'pg_catalog.pg_amproc'::regclass
                        )
                        or d.classid = 'pg_catalog.pg_proc'::regclass and a.oid is not null
                        or d.classid = 'pg_catalog.pg_type'::regclass and t.oid is not null
                    )
            )
        )
"""
