"""What is set for a view, its columns and its indexes, and can't be declared."""

from __future__ import annotations

from townhall.pg.catalog.fragments import COLUMN_OPTIONS

KEPT_OF_VIEW = """
    select s.what || r.rulename as what, s.statement
    from pg_catalog.pg_rewrite as r
    cross join lateral (
        values
            (
                'rule ',
                rtrim(regexp_replace(pg_get_ruledef(r.oid), '^CREATE', 'CREATE OR REPLACE'), ';')
            ),
            -- Longer than the name of the rule alone, which comes first where these become an
            -- object.
            (
                'comment of rule ',
                'comment on rule ' || quote_ident(r.rulename) || ' on ' || c.oid::regclass
                    || ' is ' || quote_literal(obj_description(r.oid, 'pg_rewrite'))
            )
    ) as s (what, statement)
    where r.ev_class = c.oid and r.rulename <> '_RETURN' and s.statement is not null
"""
"""What is set for a view, a row ``c`` of ``pg_class``, and the statement that sets it."""

KEPT_OF_MATERIALIZED_VIEW = f"""
    {KEPT_OF_VIEW}
    union all
    select
        s.what || ' of column ' || a.attname,
        format(
            'alter materialized view %%s alter column %%I set %%s',
            c.oid::regclass, a.attname, s.value
        )
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_type as t on t.oid = a.atttypid
    cross join lateral (
        values
            ('statistics', 'statistics ' || nullif(to_jsonb(a) ->> 'attstattarget', '-1')),
            ('options', '(' || nullif(array_to_string({COLUMN_OPTIONS}, ', '), '') || ')'),
            ('compression', 'compression ' || case a.attcompression
                when 'p' then 'pglz' when 'l' then 'lz4'
            end),
            ('storage', 'storage ' || case when a.attstorage <> t.typstorage then
                case a.attstorage
                    when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main'
                    else 'extended'
                end
            end)
    ) as s (what, value)
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        and s.value is not null
    union all
    select s.what || ' of index ' || i.relname, s.statement
    from pg_catalog.pg_index as x
    join pg_catalog.pg_class as i on i.oid = x.indexrelid
    cross join lateral (
        select
            'comment' as what,
            format(
                'comment on index %%s is %%L', i.oid::regclass, obj_description(i.oid, 'pg_class')
            ) as statement
        where obj_description(i.oid, 'pg_class') is not null
        union all
        select
            'cluster mark',
            format('alter materialized view %%s cluster on %%I', c.oid::regclass, i.relname)
        where x.indisclustered
        union all
        select
            'statistics ' || a.attnum,
            format(
                'alter index %%s alter column %%s set statistics %%s',
                i.oid::regclass, a.attnum, to_jsonb(a) ->> 'attstattarget'
            )
        from pg_catalog.pg_attribute as a
        where a.attrelid = i.oid and nullif(to_jsonb(a) ->> 'attstattarget', '-1') is not null
    ) as s
    where x.indrelid = c.oid
    union all
    select
        'tablespace',
        format('alter materialized view %%s set tablespace %%I', c.oid::regclass, s.spcname)
    from pg_catalog.pg_tablespace as s
    where s.oid = c.reltablespace
"""
"""The same of a materialized view."""
