"""The views, policies, triggers and generated columns that read columns of tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from townhall.pg.catalog.fragments import rows


class Reader(NamedTuple):
    """An object that reads columns of a table.

    Attributes:
        table_schema: The schema of the table.
        table: The name of the table.
        column: The name of the column.
        kind: ``view``, ``materialized view``, ``policy``, ``trigger`` or ``rule``.
        name: The object as SQL names it: ``policy`` and ``trigger`` with their table.
    """

    table_schema: str
    table: str
    column: str
    kind: str
    name: str


def read_readers(connection: Connection, schemas: Sequence[str]) -> list[Reader]:
    """Return what reads columns of the tables in some schemas.

    Args:
        connection: A connection within a transaction, whose ``search_path`` is empty.
        schemas: Names of schemas.
    """
    return [Reader(**row) for row in rows(connection, _QUERY, schemas)]


_QUERY = """
    select distinct
        n.nspname as table_schema,
        c.relname as table,
        a.attname as column,
        u.kind,
        u.name
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    join pg_catalog.pg_depend as d
        on d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = c.oid
    join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = d.refobjsubid
    cross join lateral (
        select
            case
                when r.rulename <> '_RETURN' then 'rule'
                when v.relkind = 'm' then 'materialized view'
                else 'view'
            end as kind,
            case when r.rulename <> '_RETURN'
                then v.oid::regclass || ' ' || pg_catalog.quote_ident(r.rulename)
                else v.oid::regclass::text
            end as name
        from pg_catalog.pg_rewrite as r
        join pg_catalog.pg_class as v on v.oid = r.ev_class
        where d.classid = 'pg_catalog.pg_rewrite'::regclass and r.oid = d.objid
        union all
        select 'policy', p.polrelid::regclass || ' ' || pg_catalog.quote_ident(p.polname)
        from pg_catalog.pg_policy as p
        where d.classid = 'pg_catalog.pg_policy'::regclass and p.oid = d.objid
        union all
        select 'trigger', t.tgrelid::regclass || ' ' || pg_catalog.quote_ident(t.tgname)
        from pg_catalog.pg_trigger as t
        where d.classid = 'pg_catalog.pg_trigger'::regclass and t.oid = d.objid
            and not t.tgisinternal
    ) as u
    where c.relkind in ('r', 'p') and n.nspname = any (%(schemas)s)
    order by 1, 2, 4, 5, 3
"""
