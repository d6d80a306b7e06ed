"""The source of the functions in every schema."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from townhall.pg.catalog.fragments import not_of_an_extension, rows


class Body(NamedTuple):
    """A function or a procedure with its source.

    Attributes:
        schema: The schema of the function.
        name: The name of the function, without arguments.
        signature: The function with the types of its arguments, as SQL names it.
        source: The source.
    """

    schema: str
    name: str
    signature: str
    source: str


def read_bodies(connection: Connection) -> list[Body]:
    """Return the functions and procedures of a database; those of extensions are left out.

    Args:
        connection: A connection within a transaction, whose ``search_path`` is empty.
    """
    return [Body(**row) for row in rows(connection, _QUERY, [])]


_QUERY = f"""
    select
        n.nspname as schema,
        p.proname as name,
        p.oid::regprocedure::text as signature,
        coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc) as source
    from pg_catalog.pg_proc as p
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    join pg_catalog.pg_language as l on l.oid = p.prolang
    where n.nspname not in ('pg_catalog', 'information_schema')
        and p.prokind in ('f', 'p')
        and l.lanname not in ('c', 'internal')
        and {not_of_an_extension("pg_proc", "p")}
    order by 1, 3
"""
