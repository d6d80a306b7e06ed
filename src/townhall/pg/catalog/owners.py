"""The owners of schemas, relations, types and routines."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from townhall.pg.catalog.fragments import SIGNATURE, rows


def read_owners(connection: Connection, schemas: Sequence[str]) -> dict[tuple[str, ...], str]:
    """Return the owners in some schemas by qualified name, a routine's with its signature.

    Args:
        connection: A connection within a transaction, whose ``search_path`` is empty.
        schemas: Names of schemas.
    """
    return {tuple(row["names"]): row["owner"] for row in rows(connection, _QUERY, schemas)}


_QUERY = f"""
    select
        array[n.nspname]::text[] as names,
        pg_catalog.pg_get_userbyid(n.nspowner) as owner
    from pg_catalog.pg_namespace as n
    where n.nspname = any (%(schemas)s)
    union all
    select
        array[n.nspname, c.relname]::text[],
        pg_catalog.pg_get_userbyid(c.relowner)
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S') and n.nspname = any (%(schemas)s)
    union all
    select
        array[n.nspname, t.typname]::text[],
        pg_catalog.pg_get_userbyid(t.typowner)
    from pg_catalog.pg_type as t
    join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
    left join pg_catalog.pg_class as c on c.oid = t.typrelid
    where n.nspname = any (%(schemas)s)
        and (t.typtype in ('d', 'e', 'r') or c.relkind = 'c')
    union all
    select
        array[n.nspname, {SIGNATURE}]::text[],
        pg_catalog.pg_get_userbyid(p.proowner)
    from pg_catalog.pg_proc as p
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    where n.nspname = any (%(schemas)s)
"""
