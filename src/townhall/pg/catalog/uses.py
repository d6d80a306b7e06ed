"""What depends on types and sequences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from townhall.pg.catalog.fragments import SIGNATURE, Key, kind_of_type, rows


def read_uses(connection: Connection, schemas: Sequence[str]) -> Iterable[tuple[Key, Key]]:
    """Yield the key of each type and sequence with the key of each object that depends on it.

    A column counts as its table, and so do its default, its constraints and indexes. An object of a
    kind that can't be declared has the key ``("other",)``.

    Args:
        connection: A connection within a transaction, whose ``search_path`` is empty.
        schemas: The schemas of the types and sequences.
    """
    for row in rows(connection, _QUERY, schemas):
        yield (row["kind"], *row["name"]), (row["user_kind"], *row["user_name"])


_RELATION_KIND = """
    case {}.relkind
        when 'r' then 'table' when 'p' then 'table' when 'f' then 'table' when 'v' then 'view'
        when 'm' then 'materialized view' when 'c' then 'composite type' else 'other'
    end
"""

_QUERY = f"""
    with objects as (
        select
            'pg_catalog.pg_type'::regclass as class,
            p.oid,
            {kind_of_type("t")} as kind,
            array[n.nspname, t.typname]::text[] as name
        from pg_catalog.pg_type as t
        join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
        left join pg_catalog.pg_range as r on r.rngtypid = t.oid
        -- With its arrays, and the multirange type of a range type.
        join pg_catalog.pg_type as p
            on p.oid in (t.oid, r.rngmultitypid) or p.typelem in (t.oid, r.rngmultitypid)
                and p.typcategory = 'A'
        where t.typtype in ('c', 'd', 'e', 'r') and n.nspname = any (%(schemas)s)
        union all
        select
            'pg_catalog.pg_class'::regclass,
            c.oid,
            'sequence',
            array[n.nspname, c.relname]::text[]
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where c.relkind = 'S' and n.nspname = any (%(schemas)s)
    ),
    users as (
        select o.kind, o.name, d.classid, d.objid
        from objects as o
        join pg_catalog.pg_depend as d
            on d.refclassid = o.class and d.refobjid = o.oid and d.deptype in ('n', 'a')
        -- The constructors and casts of a range are a part of its type.
        where d.classid not in ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_cast'::regclass)
            or not exists (
                select
                from pg_catalog.pg_depend as i
                where i.classid = d.classid and i.objid = d.objid and i.deptype = 'i'
            )
    ),
    relations as (
        select u.kind, u.name, coalesce(x.indrelid, u.objid) as relation
        from users as u
        left join pg_catalog.pg_index as x on x.indexrelid = u.objid
        where u.classid = 'pg_catalog.pg_class'::regclass
        union all
        select u.kind, u.name, f.adrelid
        from users as u
        join pg_catalog.pg_attrdef as f
            on u.classid = 'pg_catalog.pg_attrdef'::regclass and f.oid = u.objid
        union all
        select u.kind, u.name, o.conrelid
        from users as u
        join pg_catalog.pg_constraint as o
            on u.classid = 'pg_catalog.pg_constraint'::regclass and o.oid = u.objid
        where o.conrelid <> 0
        union all
        select u.kind, u.name, r.ev_class
        from users as u
        join pg_catalog.pg_rewrite as r
            on u.classid = 'pg_catalog.pg_rewrite'::regclass and r.oid = u.objid
    ),
    types as (
        select u.kind, u.name, u.objid as type
        from users as u
        where u.classid = 'pg_catalog.pg_type'::regclass
        union all
        select u.kind, u.name, o.contypid
        from users as u
        join pg_catalog.pg_constraint as o
            on u.classid = 'pg_catalog.pg_constraint'::regclass and o.oid = u.objid
        where o.contypid <> 0
    )
    select
        r.kind,
        r.name,
        {_RELATION_KIND.format("c")} as user_kind,
        array[n.nspname, c.relname]::text[] as user_name
    from relations as r
    join pg_catalog.pg_class as c on c.oid = r.relation
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    union
    select
        y.kind,
        y.name,
        {kind_of_type("t")},
        array[n.nspname, t.typname]::text[]
    from types as y
    join pg_catalog.pg_type as t on t.oid = y.type
    join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
    union
    select
        u.kind,
        u.name,
        case p.prokind when 'f' then 'function' when 'p' then 'procedure' else 'other' end,
        array[n.nspname, {SIGNATURE}]::text[]
    from users as u
    join pg_catalog.pg_proc as p
        on u.classid = 'pg_catalog.pg_proc'::regclass and p.oid = u.objid
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    union
    select
        u.kind,
        u.name,
        'policy',
        array[n.nspname, c.relname, p.polname]::text[]
    from users as u
    join pg_catalog.pg_policy as p
        on u.classid = 'pg_catalog.pg_policy'::regclass and p.oid = u.objid
    join pg_catalog.pg_class as c on c.oid = p.polrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    union
    select
        u.kind,
        u.name,
        'trigger',
        array[n.nspname, c.relname, t.tgname]::text[]
    from users as u
    join pg_catalog.pg_trigger as t
        on u.classid = 'pg_catalog.pg_trigger'::regclass and t.oid = u.objid
    join pg_catalog.pg_class as c on c.oid = t.tgrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    union
    select u.kind, u.name, 'other', '{{}}'::text[]
    from users as u
    where u.classid not in (
        'pg_catalog.pg_class'::regclass,
        'pg_catalog.pg_attrdef'::regclass,
        'pg_catalog.pg_constraint'::regclass,
        'pg_catalog.pg_rewrite'::regclass,
        'pg_catalog.pg_type'::regclass,
        'pg_catalog.pg_proc'::regclass,
        'pg_catalog.pg_policy'::regclass,
        'pg_catalog.pg_trigger'::regclass
    )
"""
