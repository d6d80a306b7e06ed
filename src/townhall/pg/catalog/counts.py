"""How many objects of each kind a database has."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from townhall.pg.catalog.fragments import not_of_an_extension


def count_objects(
    connection: Connection, schemas: Sequence[str], without: Sequence[str]
) -> dict[str, int]:
    """Return the number of objects by kind, the kinds in the plural and in a fixed order.

    Extensions' objects are not counted.

    Args:
        connection: The database.
        schemas: The schemas whose objects are counted.
        without: The names of tables that are not counted: the records of migrations.
    """
    names = {"schemas": list(schemas), "without": list(without)}
    return dict(connection.exec_driver_sql(_QUERY, names).mappings().one())


_QUERY = f"""
    with schemas as (
        select n.oid
        from pg_catalog.pg_namespace as n
        where n.nspname = any (%(schemas)s)
    ),
    relations as (
        select c.oid, c.relkind
        from pg_catalog.pg_class as c
        where c.relnamespace in (select oid from schemas)
            and c.relname <> all (%(without)s)
            and {not_of_an_extension("pg_class", "c")}
    ),
    functions as (
        select p.oid
        from pg_catalog.pg_proc as p
        where p.pronamespace in (select oid from schemas)
            and {not_of_an_extension("pg_proc", "p")}
    )
    select
        (select count(*) from relations where relkind in ('r', 'p')) as "tables",
        (
            select count(*) from pg_catalog.pg_policy where polrelid in (select oid from relations)
        ) as "policies",
        (
            select count(*)
            from pg_catalog.pg_trigger
            where tgrelid in (select oid from relations) and not tgisinternal
        ) as "triggers",
        (select count(*) from functions) as "functions",
        (select count(*) from relations where relkind = 'v') as "views",
        (select count(*) from relations where relkind = 'm') as "materialized views"
"""
