"""The temporary functions for objects beside tables that have the names of declared ones.

A function, a view, a type or a sequence that was there before is remembered with the SQL that makes
it as it was, and so is a trigger or a policy on a table that is no declared one, or that an earlier
revision made. In their text ``:memory`` stands for the table of the memory.
"""

from __future__ import annotations

from townhall.pg.catalog import grant_option, grantee, name_of_grantee

BESIDE = (
    "function",
    "view",
    "type",
    "sequence",
    "schema",
    "usage",
    "table grant",
    "default privileges",
)
"""The kinds of objects that are no part of a table."""

_CLEAR = f"""
create or replace function pg_temp.townhall_clear(target text, acl aclitem[], owner oid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $clear$
declare
    grantee text;
begin
    for grantee in
        select distinct {grantee("x")}
        from aclexplode(acl) as x
        where x.grantee <> owner
    loop
        perform pg_temp.townhall_execute(format('revoke all on %s from %s', target, grantee));
    end loop;
end
$clear$
"""

GRANTS = f"""
create or replace function pg_temp.townhall_grants(target text, acl aclitem[], owner oid)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $grants$
    select string_agg(
        format(
            'grant %s on %s to %s%s',
            x.privilege_type,
            target,
            {grantee("x")},
            {grant_option("x")}
        ),
        E';\\n'
    )
    from aclexplode(acl) as x
    where x.grantee <> owner
$grants$
"""

_OBJECTS = f"""
create or replace function pg_temp.townhall_objects(kind text, schema_name text, name text)
returns table (part text, make text, set text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $objects$
    select
        oidvectortypes(p.proargtypes),
        pg_get_functiondef(p.oid),
        concat_ws(
            E';\\n',
            format('alter routine %s owner to %s', s.signature, p.proowner::regrole),
            format(
                'select pg_temp.townhall_clear(%L, coalesce(p.proacl, acldefault(''f'','
                ' p.proowner)), p.proowner) from pg_catalog.pg_proc as p where p.oid ='
                ' pg_catalog.to_regprocedure(%L)',
                'routine ' || s.signature, s.signature
            ),
            pg_temp.townhall_grants(
                'routine ' || s.signature,
                coalesce(p.proacl, acldefault('f', p.proowner)),
                p.proowner
            ),
            format('comment on routine %s is %L', s.signature, d.description)
        )
    from pg_namespace as n
    join pg_proc as p on p.pronamespace = n.oid and p.prokind in ('f', 'p')
    cross join lateral (
        select format('%I.%I(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes))
    ) as s (signature)
    left join pg_description as d on d.classoid = 'pg_proc'::regclass and d.objoid = p.oid
    where $1 = 'function'
        and n.nspname = $2
        and p.proname = $3
        and not exists (
            select
            from pg_depend as x
            where x.classid = 'pg_proc'::regclass and x.objid = p.oid and x.deptype = 'e'
        )
    union all
    select
        '',
        case c.relkind
            when 'v' then format(
                E'create or replace view %s%s as\\n%s',
                s.target,
                ' with (' || array_to_string(c.reloptions, ', ') || ')',
                rtrim(pg_get_viewdef(c.oid), ';')
            )
            when 'm' then format(
                E'create materialized view %s%s as\\n%s%s',
                s.target,
                ' with (' || array_to_string(c.reloptions, ', ') || ')',
                rtrim(pg_get_viewdef(c.oid), ';'),
                case when not c.relispopulated then E'\\nwith no data' end
            )
            else ''
        end,
        concat_ws(
            E';\\n',
            case when c.relkind in ('v', 'm') then format(
                'alter %s %s owner to %s', s.kind, s.target, c.relowner::regrole
            ) end,
            case when c.relkind = 'v' then (
                select string_agg(
                    format(
                        'alter view %s alter column %I set default %s',
                        s.target, a.attname, pg_get_expr(e.adbin, e.adrelid)
                    ),
                    E';\\n' order by a.attnum
                )
                from pg_attrdef as e
                join pg_attribute as a on a.attrelid = e.adrelid and a.attnum = e.adnum
                where e.adrelid = c.oid
            ) end,
            case when c.relkind = 'm' then (
                select string_agg(
                    concat_ws(
                        E';\\n',
                        pg_get_indexdef(i.indexrelid),
                        format('comment on index %s is %L', i.indexrelid::regclass, d.description),
                        case when i.indisclustered then format(
                            'alter materialized view %s cluster on %I', s.target, x.relname
                        ) end
                    ),
                    E';\\n' order by x.relname
                )
                from pg_index as i
                join pg_class as x on x.oid = i.indexrelid
                left join pg_description as d on d.classoid = 'pg_class'::regclass
                    and d.objoid = i.indexrelid
                    and d.objsubid = 0
                where i.indrelid = c.oid
            ) end,
            (
                select string_agg(pg_get_ruledef(r.oid), E';\\n' order by r.rulename)
                from pg_rewrite as r
                where r.ev_class = c.oid and r.rulename <> '_RETURN'
            ),
            (
                select string_agg(
                    concat_ws(
                        E';\\n',
                        pg_get_triggerdef(t.oid),
                        format(
                            'comment on trigger %I on %s is %L', t.tgname, s.target, d.description
                        )
                    ),
                    E';\\n' order by t.tgname
                )
                from pg_trigger as t
                left join pg_description as d on d.classoid = 'pg_trigger'::regclass
                    and d.objoid = t.oid
                where t.tgrelid = c.oid and not t.tgisinternal
            ),
            format(
                'select pg_temp.townhall_clear(%L, coalesce(c.relacl, acldefault(%L, c.relowner)),'
                ' c.relowner) from pg_catalog.pg_class as c where c.oid ='
                ' pg_catalog.to_regclass(%L)',
                s.privileges_on,
                case c.relkind when 'S' then 's' else 'r' end,
                s.target
            ),
            pg_temp.townhall_grants(
                s.privileges_on,
                coalesce(
                    c.relacl,
                    acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner)
                ),
                c.relowner
            ),
            (
                select string_agg(
                    format(
                        'grant %s (%I) on %s to %s%s',
                        x.privilege_type,
                        a.attname,
                        s.target,
                        {grantee("x")},
                        {grant_option("x")}
                    ),
                    E';\\n' order by a.attnum
                )
                from pg_attribute as a
                cross join aclexplode(a.attacl) as x
                where a.attrelid = c.oid and x.grantee <> c.relowner
            ),
            format('comment on %s %s is %L', s.kind, s.target, d.description),
            case when c.relkind in ('v', 'm') then (
                select string_agg(
                    format(
                        'comment on column %s.%I is %L', s.target, a.attname, e.description
                    ),
                    E';\\n' order by a.attnum
                )
                from pg_attribute as a
                left join pg_description as e on e.classoid = 'pg_class'::regclass
                    and e.objoid = c.oid
                    and e.objsubid = a.attnum
                where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            ) end
        )
    from pg_namespace as n
    join pg_class as c on c.relnamespace = n.oid
    cross join lateral (
        select
            format('%I.%I', n.nspname, c.relname),
            case c.relkind
                when 'v' then 'view' when 'm' then 'materialized view' else 'sequence'
            end,
            format(
                '%s %I.%I',
                case c.relkind when 'S' then 'sequence' else 'table' end, n.nspname, c.relname
            )
    ) as s (target, kind, privileges_on)
    left join pg_description as d on d.classoid = 'pg_class'::regclass
        and d.objoid = c.oid
        and d.objsubid = 0
    where ($1 = 'view' and c.relkind in ('v', 'm') or $1 = 'sequence' and c.relkind = 'S')
        and n.nspname = $2
        and c.relname = $3
    union all
    select
        '',
        '',
        concat_ws(
            E';\\n',
            format(
                'select pg_temp.townhall_clear(%L, coalesce(t.typacl, acldefault(''T'','
                ' t.typowner)), t.typowner) from pg_catalog.pg_type as t where t.oid ='
                ' pg_catalog.to_regtype(%L)',
                'type ' || s.target, s.target
            ),
            pg_temp.townhall_grants(
                'type ' || s.target, coalesce(t.typacl, acldefault('T', t.typowner)), t.typowner
            ),
            format('comment on type %s is %L', s.target, d.description),
            (
                select string_agg(
                    format(
                        'comment on column %s.%I is %L', s.target, a.attname, e.description
                    ),
                    E';\\n' order by a.attnum
                )
                from pg_attribute as a
                left join pg_description as e on e.classoid = 'pg_class'::regclass
                    and e.objoid = c.oid
                    and e.objsubid = a.attnum
                where a.attrelid = c.oid and not a.attisdropped
            )
        )
    from pg_namespace as n
    join pg_type as t on t.typnamespace = n.oid
    cross join lateral (select format('%I.%I', n.nspname, t.typname)) as s (target)
    left join pg_class as c on c.oid = t.typrelid
    left join pg_description as d on d.classoid = 'pg_type'::regclass and d.objoid = t.oid
    where $1 = 'type'
        and n.nspname = $2
        and t.typname = $3
        and (t.typtype in ('e', 'd', 'r') or c.relkind = 'c')
    union all
    select
        '',
        '',
        concat_ws(
            E';\\n',
            format(
                'select pg_temp.townhall_clear(%L, n.nspacl, n.nspowner)'
                ' from pg_catalog.pg_namespace as n where n.nspname = %L',
                format('schema %I', n.nspname), n.nspname
            ),
            pg_temp.townhall_grants(format('schema %I', n.nspname), n.nspacl, n.nspowner),
            format('comment on schema %I is %L', n.nspname, d.description)
        )
    from pg_namespace as n
    left join pg_description as d on d.classoid = 'pg_namespace'::regclass and d.objoid = n.oid
    where $1 = 'schema'
        and n.nspname = $3
        and (n.nspacl is not null or d.description is not null)
        and not pg_temp.townhall_is_own(n.nspname)
    union all
    -- What others have granted stays when this role revokes.
    select
        g.role,
        '',
        concat_ws(
            E';\\n',
            format('revoke all on table %s from %s', g.target, g.grantee),
            string_agg(
                format(
                    'grant %s%s on table %s to %s%s',
                    g.privilege,
                    g.columns,
                    g.target,
                    g.grantee,
                    {grant_option("g")}
                ),
                E';\\n'
            )
        )
    from (
        select
            format('%I.%I', n.nspname, c.relname) as target,
            {name_of_grantee("x")} as role,
            {grantee("x")} as grantee,
            x.privilege_type as privilege,
            x.columns,
            x.is_grantable
        from pg_namespace as n
        join pg_class as c on c.relnamespace = n.oid
        cross join lateral (
            select e.*, '' as columns
            from aclexplode(c.relacl) as e
            union all
            select e.*, format(' (%I)', a.attname)
            from pg_attribute as a
            cross join aclexplode(a.attacl) as e
            where a.attrelid = c.oid
        ) as x
        where $1 = 'table grant'
            and n.nspname = $2
            and c.relname = $3
            and pg_get_userbyid(x.grantor) = current_user
            and x.grantee <> c.relowner
    ) as g
    group by g.role, g.grantee, g.target
    union all
    select
        coalesce(nullif(pg_get_userbyid(d.defaclrole)::text, current_user), ''),
        '',
        concat_ws(
            E';\\n',
            format(
                'select pg_temp.townhall_clear_defaults(%L, %L, %L, %L)',
                s.alter, d.defaclrole::regrole, $2, d.defaclobjtype
            ),
            (
                select string_agg(
                    format(
                        '%s grant %s on %s to %s%s',
                        s.alter,
                        x.privilege_type,
                        $3,
                        {grantee("x")},
                        {grant_option("x")}
                    ),
                    E';\\n'
                )
                from aclexplode(d.defaclacl) as x
            )
        )
    from pg_default_acl as d
    left join pg_namespace as n on n.oid = d.defaclnamespace
    cross join lateral (
        select concat(
            'alter default privileges for role ',
            d.defaclrole::regrole,
            ' in schema ' || quote_ident(n.nspname)
        )
    ) as s (alter)
    where $1 = 'default privileges'
        and coalesce(n.nspname, '') = $2
        and case d.defaclobjtype
            when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions'
            when 'T' then 'types' else 'schemas'
        end = $3
$objects$
"""

_CLEAR_DEFAULTS = f"""
create or replace function pg_temp.townhall_clear_defaults(
    alteration text, owner regrole, schema_name text, objects "char"
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $clear$
declare
    grantee text;
    names constant text := case objects
        when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions'
        when 'T' then 'types' else 'schemas'
    end;
begin
    for grantee in
        select distinct {grantee("x")}
        from pg_default_acl as d
        cross join aclexplode(d.defaclacl) as x
        left join pg_namespace as n on n.oid = d.defaclnamespace
        where d.defaclrole = owner
            and coalesce(n.nspname, '') = schema_name
            and d.defaclobjtype = objects
            and x.grantee <> d.defaclrole
    loop
        perform pg_temp.townhall_execute(
            format('%s revoke all on %s from %s', alteration, names, grantee)
        );
    end loop;
end
$clear$
"""

_EXECUTE = """
create or replace function pg_temp.townhall_execute(statement text)
returns void
language plpgsql
set search_path = pg_catalog, public, pg_temp  -- event triggers of others may need public
as $execute$
begin
    execute statement;
end
$execute$
"""

_IS_OWN = """
create or replace function pg_temp.townhall_is_own(schema_name text)
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $own$
    select coalesce(
        obj_description(to_regnamespace(quote_ident(schema_name)), 'pg_namespace')
            like 'townhall:%',
        false
    )
$own$
"""

_GRANTED = """
create or replace function pg_temp.townhall_granted(schema_name text, api_role text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $granted$
begin
    if pg_temp.townhall_is_own(schema_name) then
        return;
    end if;
    perform pg_temp.townhall_create_origins();
    insert into :memory (schema_name, object_name, kind, part, origin, definition)
    values (
        $1, $2, 'usage', '', 'added', format('revoke usage on schema %I from %I', $1, $2)
    )
    on conflict do nothing;
end
$granted$
"""

_REMEMBER = """
create or replace function pg_temp.townhall_remember_objects(
    names jsonb, origin text, revision text
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $remember$
declare
    one record;
begin
    for one in
        select
            e.value ->> 1 as schema_name,
            e.value ->> 2 as object_name,
            e.value ->> 0 as kind,
            o.part,
            o.make,
            o.set
        from jsonb_array_elements(names) as e
        cross join lateral pg_temp.townhall_objects(
            e.value ->> 0, e.value ->> 1, e.value ->> 2
        ) as o
        where e.value ->> 0 not in ('table grant', 'default privileges') or o.part = e.value ->> 3
        union all
        select e.value ->> 1, e.value ->> 2, e.value ->> 0, p.name, p.make, null
        from jsonb_array_elements(names) as e
        cross join lateral pg_temp.townhall_parts(
            pg_temp.townhall_table(e.value ->> 1, e.value ->> 2)
        ) as p
        where p.kind = e.value ->> 0 and p.name = e.value ->> 3
    loop
        if one.kind = 'function' and one.schema_name = :'helpers' and pg_temp.townhall_is_own(
            one.schema_name
        ) then
            continue;
        end if;
        perform pg_temp.townhall_create_origins();
        if one.kind in ('trigger', 'policy') and pg_temp.townhall_is_found(
            one.schema_name, one.object_name, array['table'], ''
        ) then
            continue;
        end if;
        if exists (
            select
            from :memory as o
            where (o.schema_name, o.object_name, o.kind)
                = (one.schema_name, one.object_name, one.kind)
                and o.part = ''
                and o.origin = 'made'
        ) then
            continue;
        end if;
        insert into :memory as o (
            schema_name, object_name, kind, part, origin, definition, seen, revision
        )
        values (
            one.schema_name,
            one.object_name,
            one.kind,
            one.part,
            $2,
            case when $2 = 'found' then one.make end,
            case when $2 = 'found' then one.set end,
            $3
        )
        on conflict (schema_name, object_name, kind, part) do update
        set revision = excluded.revision
        where o.revision is null and o.decision is null;
    end loop;
end
$remember$
"""

_MAKE = """
create or replace function pg_temp.townhall_make(
    schema_name text, object_name text, kind text, part text
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $make$
declare
    former record;
begin
    delete from :memory as o
    where (o.schema_name, o.object_name, o.kind, o.part) = ($1, $2, $3, $4)
        and o.origin = 'found'
    returning o.definition, o.seen into former;
    if former.definition <> '' then
        perform pg_temp.townhall_execute(former.definition);
    end if;
    if former.seen <> '' then
        perform pg_temp.townhall_execute(former.seen);
    end if;
end
$make$
"""

_DROP = """
create or replace function pg_temp.townhall_drop_object(
    schema_name text, object_name text, kind text, part text, statement text, undone text
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $drop$
declare
    found_as constant text := case
        when kind = 'function' then format('the function %I.%I(%s)', $1, $2, part)
        when kind = 'schema' then format('the privileges on schema %I', $1)
        when kind in ('trigger', 'policy') then format('the %s %I on %I.%I', kind, part, $1, $2)
        when kind = 'table grant' then format('the privileges of %I on %I.%I', part, $1, $2)
        when kind = 'default privileges' then concat(
            'the default privileges on ', $2, ' in ' || quote_ident(nullif($1, ''))
        )
        else format('the %s %I.%I', kind, $1, $2)
    end;
begin
    -- A later revision drops it to create it again.
    if not exists (
        select
        from :memory as o
        where (o.schema_name, o.object_name, o.kind, o.part) = ($1, $2, $3, $4)
            and o.origin = 'found'
            and (o.revision is null or o.revision = $6)
    ) then
        perform pg_temp.townhall_execute(statement);
        return;
    end if;
    if kind in ('trigger', 'policy') then
        perform pg_temp.townhall_execute(statement);
        perform pg_temp.townhall_make($1, $2, $3, $4);
    else
        begin
            -- In its place, since others may use it.
            perform pg_temp.townhall_make($1, $2, $3, $4);
        exception
            when
                invalid_table_definition
                or invalid_function_definition
                or wrong_object_type
                or duplicate_table
            then
                perform pg_temp.townhall_execute(statement);
                perform pg_temp.townhall_make($1, $2, $3, $4);
        end;
    end if;
    raise warning using
        errcode = :told,
        message = case
            when kind in ('type', 'sequence') then format(
                'left %s: it was there before the revisions', found_as
            )
            else format('put back %s, which was there before', found_as)
        end;
    perform pg_temp.townhall_forget_nothing();
end
$drop$
"""

OBJECTS = (_EXECUTE, _IS_OWN, _CLEAR, _CLEAR_DEFAULTS, _OBJECTS, _GRANTED, _REMEMBER, _MAKE, _DROP)
