"""The columns of tables that have a type."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from townhall.pg.catalog.fragments import not_of_an_extension, rows


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
