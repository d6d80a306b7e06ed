"""Where in a database a text stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

_TABLES = text(
    """
    select format('%I.%I', n.nspname, c.relname)
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm')
        and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
    order by 1
    """
)


def places_of(connection: Connection, traces: Iterable[str]) -> set[tuple[str, str]]:
    """Return the columns of all tables in which a text stands, whatever their types are.

    Args:
        connection: A connection as a role that row level security does not hold for.
        traces: The texts, in any case.
    """
    found = set()
    for table in connection.scalars(_TABLES).all():
        query = text(
            f"""
            select distinct v.key
            from {table} as t, jsonb_each_text(to_jsonb(t)) as v
            where exists (
                select from unnest(cast(:traces as text[])) as x (trace)
                where strpos(lower(v.value), lower(x.trace)) > 0
            )
            """
        )
        columns = connection.scalars(query, {"traces": list(traces)})
        found |= {(table.removeprefix("public."), column) for column in columns}
    return found
