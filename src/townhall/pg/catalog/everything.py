"""Everything in some schemas, whether it can be declared or not, to see that nothing is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from townhall.pg.catalog.fragments import (
    COLUMN_OPTIONS,
    NOT_A_CONSTRUCTOR,
    grant_option,
    kept_for_a_partition,
    not_of_an_extension,
    once_each,
    rows,
)

Facts = Mapping[str, Any]


def read_everything(connection: Connection, schemas: Sequence[str]) -> dict[str, Facts]:
    """Return the facts that PostgreSQL has of each thing in some schemas, by kind and name.

    The order of columns and the names of constraints that a column is not null are left
    out; so is what belongs to an extension. A fact that is null is none.

    Args:
        connection: A connection within a transaction, whose ``search_path`` is empty.
        schemas: Names of schemas.
    """
    return {
        row["thing"]: {name: fact for name, fact in row["facts"].items() if fact is not None}
        for row in rows(connection, _QUERY, schemas)
    }


def _privileges(acl: str, owner: str) -> str:
    # Who granted one does not count: what comes back is granted by the owner.
    return f"""array(
            select case e.grantee
                    when 0 then 'public' when {owner} then 'the owner' else e.grantee::regrole::text
                end
                || ' ' || lower(e.privilege_type)
                || coalesce({grant_option("e")}, '')
            from ({once_each(acl)}) as e
            order by 1
        )"""


def _all_privileges(acl: str, kind: str, owner: str) -> str:
    return _privileges(f"coalesce({acl}, pg_catalog.acldefault('{kind}', {owner}))", owner)


_FIRST_OF_USERS = 16384
"""The first OID of an object that is not of PostgreSQL itself: ``FirstNormalObjectId``."""

_QUERY = f"""
with
spaces as (
    select n.oid, n.nspname, n.nspacl, n.nspowner
    from pg_catalog.pg_namespace as n
    where n.nspname = any (%(schemas)s)
),
relations as (
    select c.*, c.oid::regclass::text as name
    from pg_catalog.pg_class as c
    join spaces as n on n.oid = c.relnamespace
    where {not_of_an_extension("pg_class", "c")}
),
things as (
    select
        'schema ' || n.oid::regnamespace as thing,
        jsonb_build_object(
            'privileges', {_all_privileges("n.nspacl", "n", "n.nspowner")},
            'comment', obj_description(n.oid, 'pg_namespace')
        ) as facts
    from spaces as n

    union all
    select
        case c.relkind
            when 'S' then 'sequence ' when 'v' then 'view ' when 'm' then 'materialized view '
            when 'c' then 'composite type ' when 'i' then 'index ' when 'I' then 'index '
            else 'table '
        end || c.name,
        jsonb_build_object(
            'kind', c.relkind,
            'owner', case
                when c.relkind not in ('i', 'I', 'c') then c.relowner::regrole::text
            end,
            'privileges', case
                when c.relkind = 'S' then {_all_privileges("c.relacl", "s", "c.relowner")}
                when c.relkind not in ('i', 'I', 'c') then
                    {_all_privileges("c.relacl", "r", "c.relowner")}
            end,
            'row security', c.relrowsecurity,
            'forced row security', c.relforcerowsecurity,
            'persistence', c.relpersistence,
            'replica identity', case
                -- Without its index, which was dropped, nothing is sent.
                when c.relreplident = 'i' and not exists (
                    select
                    from pg_catalog.pg_index as i
                    where i.indrelid = c.oid and i.indisreplident
                ) then 'n'
                when c.relkind in ('r', 'p', 'm') then c.relreplident
            end,
            'options', c.reloptions,
            'comment', obj_description(c.oid, 'pg_class'),
            'definition', case
                when c.relkind in ('i', 'I') then pg_get_indexdef(c.oid)
                when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid)
                when c.relkind = 'p' then pg_get_partkeydef(c.oid)
            end,
            'type of the table', nullif(c.reloftype, 0)::regtype,
            'partition', pg_get_expr(c.relpartbound, c.oid),
            'parents', (
                select array_agg(i.inhparent::regclass::text order by i.inhseqno)
                from pg_catalog.pg_inherits as i
                where i.inhrelid = c.oid
            ),
            'cluster mark', x.indisclustered,
            'replica identity of its table', x.indisreplident,
            'is valid', x.indisvalid,
            'sequence', to_jsonb(s) - 'seqrelid',
            'owned by', (
                select d.refobjid::regclass || '.' || a.attname
                from pg_catalog.pg_depend as d
                join pg_catalog.pg_attribute as a
                    on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
                where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
                    and d.deptype in ('a', 'i') and c.relkind = 'S'
            )
        )
    from relations as c
    left join pg_catalog.pg_index as x on x.indexrelid = c.oid
    left join pg_catalog.pg_sequence as s on s.seqrelid = c.oid

    union all
    select
        'column ' || c.name || '.' || quote_ident(a.attname),
        jsonb_build_object(
            'type', format_type(a.atttypid, a.atttypmod),
            'not null', a.attnotnull,
            'generated', a.attgenerated,
            'identity', a.attidentity,
            'collation', nullif(a.attcollation, t.typcollation)::regcollation,
            'definition', pg_get_expr(d.adbin, d.adrelid),
            'privileges', case
                when a.attacl is not null then {_privileges("a.attacl", "c.relowner")}
            end,
            'statistics target', nullif(to_jsonb(a) ->> 'attstattarget', '-1'),
            'options', {COLUMN_OPTIONS},
            'storage', nullif(a.attstorage, t.typstorage),
            'compression', nullif(a.attcompression, ''),
            'comment', col_description(a.attrelid, a.attnum)
        )
    from relations as c
    join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_catalog.pg_type as t on t.oid = a.atttypid
    left join pg_catalog.pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where c.relkind not in ('i', 'I', 'S')

    union all
    select
        'constraint ' || quote_ident(k.conname) || ' on '
            || coalesce(nullif(k.conrelid, 0)::regclass::text, k.contypid::regtype::text),
        jsonb_build_object(
            'definition', pg_get_constraintdef(k.oid),
            'comment', obj_description(k.oid, 'pg_constraint')
        )
    from pg_catalog.pg_constraint as k
    join spaces as n on n.oid = k.connamespace
    where k.contype not in ('n', 't') and not {kept_for_a_partition("k")}

    union all
    select
        'trigger ' || quote_ident(t.tgname) || ' on ' || c.name,
        jsonb_build_object(
            'definition', pg_get_triggerdef(t.oid),
            'enabled', t.tgenabled,
            'comment', obj_description(t.oid, 'pg_trigger')
        )
    from relations as c
    join pg_catalog.pg_trigger as t on t.tgrelid = c.oid
    where not t.tgisinternal

    union all
    select
        'rule ' || quote_ident(r.rulename) || ' on ' || c.name,
        jsonb_build_object(
            'definition', pg_get_ruledef(r.oid),
            'enabled', r.ev_enabled,
            'comment', obj_description(r.oid, 'pg_rewrite')
        )
    from relations as c
    join pg_catalog.pg_rewrite as r on r.ev_class = c.oid
    where r.rulename <> '_RETURN'

    union all
    select
        'policy ' || quote_ident(p.polname) || ' on ' || c.name,
        jsonb_build_object(
            'command', p.polcmd,
            'permissive', p.polpermissive,
            'roles', array(select r::regrole::text from unnest(p.polroles) as r order by 1),
            'definition', pg_get_expr(p.polqual, p.polrelid),
            'check', pg_get_expr(p.polwithcheck, p.polrelid),
            'comment', obj_description(p.oid, 'pg_policy')
        )
    from relations as c
    join pg_catalog.pg_policy as p on p.polrelid = c.oid

    union all
    select
        'function ' || p.oid::regprocedure,
        jsonb_build_object(
            'privileges', {_all_privileges("p.proacl", "f", "p.proowner")},
            'owner', p.proowner::regrole::text,
            'comment', obj_description(p.oid, 'pg_proc'),
            'definition', case when p.prokind <> 'a' then pg_get_functiondef(p.oid) end
        )
    from pg_catalog.pg_proc as p
    join spaces as n on n.oid = p.pronamespace
    where {not_of_an_extension("pg_proc", "p")} and {NOT_A_CONSTRUCTOR}

    union all
    select
        'type ' || t.oid::regtype,
        jsonb_build_object(
            'owner', t.typowner::regrole::text,
            'privileges', {_all_privileges("t.typacl", "T", "t.typowner")},
            'values', (
                select array_agg(e.enumlabel order by e.enumsortorder)
                from pg_catalog.pg_enum as e
                where e.enumtypid = t.oid
            ),
            'base', nullif(t.typbasetype, 0)::regtype,
            'definition', t.typdefault,
            'comment', obj_description(t.oid, 'pg_type')
        )
    from pg_catalog.pg_type as t
    join spaces as n on n.oid = t.typnamespace
    left join pg_catalog.pg_class as c on c.oid = t.typrelid
    where (t.typtype in ('e', 'd', 'r') or c.relkind = 'c')
        and {not_of_an_extension("pg_type", "t")}

    union all
    select
        'statistics ' || n.oid::regnamespace || '.' || quote_ident(e.stxname),
        jsonb_build_object(
            'owner', e.stxowner::regrole::text,
            'definition', pg_get_statisticsobjdef(e.oid),
            'statistics target', nullif(to_jsonb(e) ->> 'stxstattarget', '-1'),
            'comment', obj_description(e.oid, 'pg_statistic_ext')
        )
    from pg_catalog.pg_statistic_ext as e
    join spaces as n on n.oid = e.stxnamespace

    union all
    select
        'publication ' || quote_ident(b.pubname) || ' of ' || c.name,
        jsonb_build_object(
            'definition', pg_get_expr(r.prqual, r.prrelid),
            'columns', (
                select array_agg(a.attname order by a.attname)
                from pg_catalog.pg_attribute as a
                where a.attrelid = c.oid and a.attnum = any (r.prattrs)
            )
        )
    from relations as c
    join pg_catalog.pg_publication_rel as r on r.prrelid = c.oid
    join pg_catalog.pg_publication as b on b.oid = r.prpubid

    union all
    select i.type || ' ' || i.identity, jsonb_build_object('comment', o.comment)
    from (
        select 'pg_catalog.pg_cast'::regclass as classid, k.oid, obj_description(k.oid, 'pg_cast')
        from pg_catalog.pg_cast as k
        where k.oid >= {_FIRST_OF_USERS} and {not_of_an_extension("pg_cast", "k")}
        union all
        select 'pg_catalog.pg_operator'::regclass, p.oid, obj_description(p.oid, 'pg_operator')
        from pg_catalog.pg_operator as p
        join spaces as n on n.oid = p.oprnamespace
        where {not_of_an_extension("pg_operator", "p")}
        union all
        select 'pg_catalog.pg_opclass'::regclass, k.oid, obj_description(k.oid, 'pg_opclass')
        from pg_catalog.pg_opclass as k
        join spaces as n on n.oid = k.opcnamespace
        where {not_of_an_extension("pg_opclass", "k")}
        union all
        select m.classid, m.oid, null
        from pg_catalog.pg_opfamily as f
        join spaces as n on n.oid = f.opfnamespace
        join (
            select 'pg_catalog.pg_amop'::regclass as classid, p.oid, p.amopfamily as family
            from pg_catalog.pg_amop as p
            union all
            select 'pg_catalog.pg_amproc'::regclass, p.oid, p.amprocfamily
            from pg_catalog.pg_amproc as p
        ) as m on m.family = f.oid
        where {not_of_an_extension("pg_opfamily", "f")}
    ) as o (classid, oid, comment)
    cross join lateral pg_identify_object(o.classid, o.oid, 0) as i
)
select thing, facts from things
"""
