"""The query of all that belongs to a table, each part with the SQL that makes and removes it."""

from __future__ import annotations

from townhall.pg.catalog import firing, grant_option, grantee

ORDER = (
    "comment",
    "trigger",
    "policy",
    "privilege",
    "publication",
    "replica identity",
    "clustering",
    "storage parameter",
    "row security",
    "foreign key",
    "constraint",
    "index",
    "identity",
    "default",
    "sequence owner",
    "sequence options",
    "numbers",
    "name of not null",
    "not null",
    "column",
)
"""The kinds of parts in the order in which they are removed, the reverse of that of making them."""

PARTS = f"""
create or replace function pg_temp.townhall_parts(relation oid)
returns table (kind text, name text, make text, remove text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $parts$
    with relations as (
        select c.*, n.nspname, format('%I.%I', n.nspname, c.relname) as target
        from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        where c.oid = relation
    ),
    columns as (
        select a.*, r.target
        from relations as r
        join pg_attribute as a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    ),
    constraints as (
        select k.*, r.target
        from relations as r
        join pg_constraint as k on k.conrelid = r.oid
            and k.contype in ('p', 'u', 'x', 'c', 'f')
            and k.conislocal
            and k.conparentid = 0
    ),
    indexes as (
        select c.oid, c.relname, format('%I.%I', r.nspname, c.relname) as target
        from relations as r
        join pg_index as i on i.indrelid = r.oid
        join pg_class as c on c.oid = i.indexrelid
    ),
    triggers as (
        select t.*, r.target
        from relations as r
        join pg_trigger as t on t.tgrelid = r.oid and not t.tgisinternal and t.tgparentid = 0
    ),
    sequences as (
        select distinct
            d.deptype,
            a.attname,
            a.target,
            a.attidentity,
            c.oid,
            c.relacl,
            c.relowner,
            -- One of others, from which a default takes its numbers, stays as it is.
            pg_has_role(c.relowner, 'usage') as is_own,
            format('%I.%I', n.nspname, c.relname) as name,
            format(
                'increment by %s minvalue %s maxvalue %s start with %s cache %s %s',
                s.seqincrement,
                s.seqmin,
                s.seqmax,
                s.seqstart,
                s.seqcache,
                case when s.seqcycle then 'cycle' else 'no cycle' end
            ) as options,
            format_type(s.seqtypid, null) as type,
            -- One that is made again goes on behind the numbers that rows have.
            format(
                'select setval(%L, max(%I)) from %s having max(%I) >= (select last_value from %s)',
                format('%I.%I', n.nspname, c.relname),
                a.attname,
                a.target,
                a.attname,
                format('%I.%I', n.nspname, c.relname)
            ) as continuation
        from columns as a
        left join pg_attrdef as e on e.adrelid = a.attrelid and e.adnum = a.attnum
        join pg_depend as d on d.refclassid = 'pg_class'::regclass
            and d.refobjid = a.attrelid
            and d.refobjsubid = a.attnum
            and d.classid = 'pg_class'::regclass
            and d.deptype in ('a', 'i')
            or d.classid = 'pg_attrdef'::regclass
            and d.objid = e.oid
            and d.refclassid = 'pg_class'::regclass
            and d.deptype = 'n'
        join pg_class as c on c.oid in (d.objid, d.refobjid) and c.relkind = 'S'
        join pg_sequence as s on s.seqrelid = c.oid
        join pg_namespace as n on n.oid = c.relnamespace
    ),
    policies as (
        select p.*, r.target
        from relations as r
        join pg_policy as p on p.polrelid = r.oid
    ),
    commented (class, object, part, kind, name, target) as (
        select 'pg_class'::regclass, r.oid, 0, 'table', '', format('table %s', r.target)
        from relations as r
        union all
        select
            'pg_class'::regclass,
            c.attrelid,
            c.attnum,
            'column',
            c.attname,
            format('column %s.%I', c.target, c.attname)
        from columns as c
        union all
        select
            'pg_constraint'::regclass,
            k.oid,
            0,
            'constraint',
            k.conname,
            format('constraint %I on %s', k.conname, k.target)
        from constraints as k
        union all
        select 'pg_class'::regclass, i.oid, 0, 'index', i.relname, format('index %s', i.target)
        from indexes as i
        union all
        select
            'pg_trigger'::regclass,
            t.oid,
            0,
            'trigger',
            t.tgname,
            format('trigger %I on %s', t.tgname, t.target)
        from triggers as t
        union all
        select
            'pg_policy'::regclass,
            p.oid,
            0,
            'policy',
            p.polname,
            format('policy %I on %s', p.polname, p.target)
        from policies as p
    ),
    grants (privilege, columns, grantee, is_grantable, target) as (
        select x.privilege_type, '', x.grantee, x.is_grantable, r.target
        from relations as r
        cross join aclexplode(coalesce(r.relacl, acldefault('r', r.relowner))) as x
        where x.grantee <> r.relowner
        union all
        select
            x.privilege_type, format(' (%I)', c.attname), x.grantee, x.is_grantable, c.target
        from columns as c
        join relations as r on true
        cross join aclexplode(c.attacl) as x
        where x.grantee <> r.relowner
    )
    select
        'column',
        c.attname,
        format(
            'alter table %s add column %I %s',
            c.target, c.attname, format_type(c.atttypid, c.atttypmod)
        )
        || case when c.attgenerated <> '' then format(
            ' generated always as (%s) %s',
            pg_get_expr(d.adbin, d.adrelid),
            case c.attgenerated when 's' then 'stored' else 'virtual' end
        ) else '' end,
        format('alter table %s drop column %I', c.target, c.attname)
    from columns as c
    left join pg_attrdef as d on d.adrelid = c.attrelid and d.adnum = c.attnum
    union all
    select
        'not null',
        c.attname,
        format(
            'alter table %s alter column %I %s not null',
            c.target, c.attname, case when c.attnotnull then 'set' else 'drop' end
        ),
        null
    from columns as c
    union all
    -- From PostgreSQL 18 on NOT NULL is a constraint with a name, which is set once it is there.
    -- Behind a blank the name of a renamed table is replaced.
    select
        'name of not null',
        c.attname,
        format(
            'select pg_temp.townhall_name_not_null(%L, %L, %L)',
            ' ' || c.target, c.attname, k.conname
        ),
        null
    from columns as c
    join pg_constraint as k on k.conrelid = c.attrelid
        and k.contype = 'n'
        and k.conkey = array[c.attnum]
    union all
    select
        'default',
        c.attname,
        format(
            'alter table %s alter column %I %s',
            c.target,
            c.attname,
            coalesce('set default ' || pg_get_expr(d.adbin, d.adrelid), 'drop default')
        ),
        format('alter table %s alter column %I drop default', c.target, c.attname)
    from columns as c
    left join pg_attrdef as d on d.adrelid = c.attrelid and d.adnum = c.attnum
    where c.attgenerated = '' and c.attidentity = ''
    union all
    select
        'identity',
        s.attname,
        concat_ws(
            E';\\n',
            format('alter table %s alter column %I drop default', s.target, s.attname),
            format(
                'alter table %s alter column %I add generated %s as identity (sequence name %s %s)',
                s.target,
                s.attname,
                case s.attidentity when 'a' then 'always' else 'by default' end,
                s.name,
                s.options
            ),
            s.continuation
        ),
        format('alter table %s alter column %I drop identity if exists', s.target, s.attname)
    from sequences as s
    where s.deptype = 'i'
    union all
    select distinct
        'numbers',
        s.name,
        concat_ws(
            E';\\n',
            format('create sequence if not exists %s', s.name),
            case
                when s.is_own then pg_temp.townhall_grants(
                    'sequence ' || s.name,
                    coalesce(s.relacl, acldefault('s', s.relowner)),
                    s.relowner
                )
            end
        ),
        concat_ws(
            E';\\n',
            (
                select format('alter table %s alter column %I drop default', u.target, u.attname)
                from sequences as u
                where u.oid = s.oid and u.deptype = 'n'
            ),
            format('drop sequence %s', s.name)
        )
    from sequences as s
    where s.deptype in ('a', 'n')
    union all
    select distinct
        'sequence options',
        s.name,
        format(E'alter sequence %s as %s %s;\\n%s', s.name, s.type, s.options, s.continuation),
        null
    from sequences as s
    where s.deptype in ('a', 'n') and s.is_own
    union all
    select
        'sequence owner',
        s.name,
        format('alter sequence %s owned by %s.%I', s.name, s.target, s.attname),
        format('alter sequence %s owned by none', s.name)
    from sequences as s
    where s.deptype = 'a'
    union all
    select
        case k.contype when 'f' then 'foreign key' else 'constraint' end,
        k.conname,
        format(
            'alter table %s add constraint %I %s', k.target, k.conname, pg_get_constraintdef(k.oid)
        ),
        format('alter table %s drop constraint %I', k.target, k.conname)
    from constraints as k
    union all
    select 'index', i.relname, pg_get_indexdef(i.oid), format('drop index %s', i.target)
    from indexes as i
    where not exists (
        select
        from pg_constraint as k
        where k.conindid = i.oid and k.contype in ('p', 'u', 'x')
    )
    union all
    select
        'trigger',
        t.tgname,
        concat_ws(
            E';\\n',
            pg_get_triggerdef(t.oid),
            case when t.tgenabled <> 'O' then format(
                'alter table %s %s trigger %I',
                t.target,
                {firing("t.tgenabled")},
                t.tgname
            ) end
        ),
        format('drop trigger %I on %s', t.tgname, t.target)
    from triggers as t
    union all
    select
        'policy',
        p.polname,
        concat_ws(
            ' ',
            format('create policy %I on %s', p.polname, p.target),
            case when not p.polpermissive then 'as restrictive' end,
            'for ' || case p.polcmd
                when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
                when 'd' then 'delete' else 'all'
            end,
            'to ' || (
                select string_agg(
                    case m.oid when 0 then 'public' else m.oid::regrole::text end,
                    ', ' order by m.oid::regrole::text
                )
                from unnest(p.polroles) as m (oid)
            ),
            'using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
            'with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'
        ),
        format('drop policy %I on %s', p.polname, p.target)
    from policies as p
    union all
    select
        'row security',
        '',
        format(
            E'alter table %1$s %2$s row level security;\\nalter table %1$s %3$s row level security',
            r.target,
            case when r.relrowsecurity then 'enable' else 'disable' end,
            case when r.relforcerowsecurity then 'force' else 'no force' end
        ),
        null
    from relations as r
    union all
    select
        'replica identity',
        '',
        format(
            'alter table %s replica identity %s',
            r.target,
            case r.relreplident
                when 'd' then 'default'
                when 'f' then 'full'
                -- Without the index, which was dropped, rows are not identified.
                else coalesce(
                    (
                        select format('using index %I', i.relname)
                        from indexes as i
                        join pg_index as x on x.indexrelid = i.oid
                        where x.indisreplident
                    ),
                    'nothing'
                )
            end
        ),
        null
    from relations as r
    union all
    select
        'clustering',
        '',
        format('alter table %s cluster on %I', r.target, i.relname),
        format('alter table %s set without cluster', r.target)
    from relations as r
    cross join indexes as i
    join pg_index as x on x.indexrelid = i.oid
    where x.indisclustered
    union all
    select
        'storage parameter',
        o.option_name,
        format('alter table %s set (%s = %L)', r.target, o.option_name, o.option_value),
        format('alter table %s reset (%s)', r.target, o.option_name)
    from relations as r
    cross join pg_options_to_table(r.reloptions) as o
    union all
    select
        'publication',
        p.pubname,
        format('alter publication %I add table %s', p.pubname, r.target),
        format('alter publication %I drop table %s', p.pubname, r.target)
    from relations as r
    join pg_publication_rel as m on m.prrelid = r.oid and m.prqual is null and m.prattrs is null
    join pg_publication as p on p.oid = m.prpubid
    union all
    select
        'privilege',
        format('%s%s to %s', lower(g.privilege), g.columns, g.role),
        format(
            'grant %s%s on %s to %s%s',
            g.privilege,
            g.columns,
            g.target,
            g.role,
            {grant_option("g")}
        ),
        format('revoke %s%s on %s from %s', g.privilege, g.columns, g.target, g.role)
    from (
        select
            grants.*,
            {grantee("grants")} as role
        from grants
    ) as g
    union all
    select
        'comment',
        concat_ws(' ', c.kind, nullif(c.name, '')),
        format('comment on %s is %L', c.target, d.description),
        format('comment on %s is null', c.target)
    from commented as c
    join pg_description as d on d.classoid = c.class
        and d.objoid = c.object
        and d.objsubid = c.part
$parts$
"""
