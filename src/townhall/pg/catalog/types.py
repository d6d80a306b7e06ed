"""What has values of a type: the columns of tables, and other types."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from townhall.pg.catalog.fragments import (
    Key,
    empty_search_path,
    kind_of_type,
    not_of_an_extension,
    rows,
)


@dataclass(frozen=True)
class Use:
    """A column of a table that has a type, or an array of it.

    Attributes:
        schema: The schema of the table.
        table: The name of the table.
        column: The name of the column.
        type: The type of the column as SQL names it: ``public.mood[]``.
        default: The expression of its default.
    """

    schema: str
    table: str
    column: str
    type: str
    default: str | None


def read_columns_of_types(
    connection: Connection, schemas: Sequence[str]
) -> Mapping[tuple[str, str], Sequence[Use]]:
    """Return the columns of each type by the type's schema and name.

    Types of extensions, row types, types that no column has and inherited columns are left out.

    Args:
        connection: A connection within a transaction, whose ``search_path`` is empty.
        schemas: The schemas of the types.
    """
    uses: dict[tuple[str, str], list[Use]] = defaultdict(list)
    for row in rows(connection, _QUERY, schemas):
        values = dict(row)
        uses[values.pop("type_schema"), values.pop("type_name")].append(Use(**values))
    return uses


def read_holders(connection: Connection, type_name: str) -> frozenset[Key]:
    """Return the keys of the tables and types that hold values of a type, directly or not.

    A table holds the values of its columns, and those by which it is partitioned. What only an
    expression has, as a default, a check or an index, is not held.

    Args:
        connection: A connection within a transaction.
        type_name: The type as SQL names it.
    """
    with empty_search_path(connection):
        found = connection.execute(text(_HOLDERS), {"type": type_name}).mappings().all()
    return frozenset((row["kind"], row["schema"], row["name"]) for row in found)


_QUERY = f"""
    select
        n.nspname as type_schema,
        t.typname as type_name,
        s.nspname as schema,
        c.relname as table,
        a.attname as column,
        pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
        pg_catalog.pg_get_expr(f.adbin, f.adrelid) as default
    from pg_catalog.pg_type as t
    join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
    join pg_catalog.pg_attribute as a on a.atttypid in (t.oid, t.typarray)
    join pg_catalog.pg_class as c on c.oid = a.attrelid
    join pg_catalog.pg_namespace as s on s.oid = c.relnamespace
    left join pg_catalog.pg_attrdef as f on f.adrelid = c.oid and f.adnum = a.attnum
    where t.typtype in ('c', 'd', 'e', 'r')
        and n.nspname = any (%(schemas)s)
        and {not_of_an_extension("pg_type", "t")}
        and a.attnum > 0 and not a.attisdropped
        and a.attinhcount = 0  -- else it is changed with its parent's
        and c.relkind in ('r', 'p') and not c.relispartition
    order by s.nspname, c.relname, a.attnum
"""

_HOLDERS = f"""
    with recursive held (oid) as (
        select to_regtype(cast(:type as text))::oid
        union
        select o.oid
        from held as h
        cross join lateral (
            select t.oid
            from pg_catalog.pg_type as t
            where t.typbasetype = h.oid or t.typelem = h.oid and t.typcategory = 'A'
            union all
            select r.rngtypid from pg_catalog.pg_range as r where r.rngsubtype = h.oid
            union all
            select r.rngmultitypid from pg_catalog.pg_range as r where r.rngtypid = h.oid
            union all
            select c.reltype
            from pg_catalog.pg_attribute as a
            join pg_catalog.pg_class as c on c.oid = a.attrelid and c.relkind = 'c'
            where a.atttypid = h.oid and not a.attisdropped
        ) as o
    ),
    tables as (
        select a.attrelid as oid
        from held as h
        join pg_catalog.pg_attribute as a on a.atttypid = h.oid and not a.attisdropped
        union
        select d.objid
        from held as h
        join pg_catalog.pg_depend as d
            on d.refclassid = 'pg_catalog.pg_type'::regclass
            and d.refobjid = h.oid
            and d.classid = 'pg_catalog.pg_class'::regclass
            and d.objsubid = 0
    )
    select 'table' as kind, n.nspname as schema, c.relname as name
    from tables as t
    join pg_catalog.pg_class as c on c.oid = t.oid and c.relkind in ('r', 'p', 'f')
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    union all
    select
        {kind_of_type("t")},
        n.nspname,
        t.typname
    from held as h
    join pg_catalog.pg_type as t on t.oid = h.oid and t.oid <> to_regtype(cast(:type as text))
    join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
    left join pg_catalog.pg_class as c on c.oid = t.typrelid
    where t.typtype in ('d', 'r') or c.relkind = 'c'
"""
