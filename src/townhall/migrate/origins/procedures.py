"""The temporary functions that a session reads and writes the memory with.

They are temporary, so that each run has those of the installed release, and a database has nothing
of them afterwards. In their text ``:memory`` stands for the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from townhall.migrate.origins.parts import ORDER, PARTS
from townhall.pg import sql

TOLD = "01TWN"
"""The SQLSTATE of a warning that a run passes on."""

_KINDS = f"array[{', '.join(map(sql.literal, ORDER))}]"

_CREATE = """
create or replace function pg_temp.townhall_create_origins()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $create$
declare
    api_role text;
begin
    if to_regclass(:'memory') is not null then
        return;
    end if;
    if to_regnamespace(:'schema') is null then
        create schema :schema;
        comment on schema :schema is 'townhall: helper functions, not exposed to API clients.';
        revoke all on schema :schema from public;
    end if;
    create table :memory (
        schema_name text not null,
        object_name text not null,
        kind text not null,
        part text not null,
        origin text not null check (origin in ('found', 'added', 'made')),
        definition text,
        seen text,
        found_as text,
        revision text,
        decision text,
        primary key (schema_name, object_name, kind, part)
    );
    comment on table :memory is
        'townhall: what objects of declared names had before its revisions, and what was added.';
    alter table :memory enable row level security;
    revoke all on table :memory from public;
    for api_role in
        select r.rolname from pg_roles as r where r.rolname = any (:api_roles)
    loop
        execute format('revoke all on table :memory from %I', api_role);
    end loop;
end
$create$
"""

_RELATION = """
create or replace function pg_temp.townhall_table(schema_name text, table_name text)
returns oid
language sql
stable
set search_path = pg_catalog, pg_temp
as $table$
    select c.oid
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = schema_name and c.relname = table_name and c.relkind in ('r', 'p')
$table$
"""

_IS_MADE = """
create or replace function pg_temp.townhall_is_made(schema_name text, table_name text)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $is_made$
begin
    if to_regclass(:'memory') is null then
        return false;
    end if;
    return exists (
        select
        from :memory as o
        where o.schema_name = $1 and o.object_name = $2 and o.kind = 'table' and o.origin = 'made'
    );
end
$is_made$
"""

_REMEMBER = """
create or replace function pg_temp.townhall_remember(names jsonb, origin text, revision text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $remember$
declare
    one record;
begin
    for one in
        select e.value ->> 0 as schema_name, name.value as table_name
        from jsonb_array_elements(names) as e
        cross join lateral jsonb_array_elements_text(e.value -> 1) as name
        where pg_temp.townhall_table(e.value ->> 0, name.value) is not null
    loop
        perform pg_temp.townhall_create_origins();
        insert into :memory (
            schema_name, object_name, kind, part, origin, found_as, revision
        )
        values (
            one.schema_name, one.table_name, 'table', '', $2, one.table_name, $3
        )
        on conflict do nothing;
        if found and $2 = 'found' then
            insert into :memory
            select
                one.schema_name, one.table_name, p.kind, p.name, 'found', p.make, p.make, p.name
            from pg_temp.townhall_parts(
                pg_temp.townhall_table(one.schema_name, one.table_name)
            ) as p;
        end if;
    end loop;
end
$remember$
"""

_NOTE = """
create or replace function pg_temp.townhall_note(by_us boolean, applied text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $note$
begin
    if to_regclass(:'memory') is null then
        return;
    end if;
    delete from :memory as o
    where o.origin = 'made' and o.revision = any (applied)
        or o.kind not in ('function', 'view')
        and o.decision is null
        and pg_temp.townhall_table(o.schema_name, o.object_name) is null;
    with live as materialized (
        select o.schema_name, o.object_name, p.kind, p.name as part, p.make
        from :memory as o
        cross join lateral pg_temp.townhall_parts(
            pg_temp.townhall_table(o.schema_name, o.object_name)
        ) as p
        where o.kind = 'table' and o.origin = 'found' and o.decision is null
    ),
    absent as (
        select o.schema_name, o.object_name, o.kind, o.part, o.origin, o.seen
        from :memory as o
        left join live using (schema_name, object_name, kind, part)
        where o.kind not in ('table', 'function', 'view') and live.make is null
    ),
    removed as (
        delete from :memory as o
        using absent as a
        where (o.schema_name, o.object_name, o.kind, o.part)
            = (a.schema_name, a.object_name, a.kind, a.part)
            and case when by_us then a.origin = 'added' else a.seen is not null end
    ),
    replaced as (
        update :memory as o
        set seen = null
        from absent as a
        where (o.schema_name, o.object_name, o.kind, o.part)
            = (a.schema_name, a.object_name, a.kind, a.part)
            and by_us
            and a.origin = 'found'
    ),
    changed as (
        update :memory as o
        set
            seen = live.make,
            definition = case
                when by_us or o.origin = 'added' then o.definition else live.make
            end
        from live
        where (o.schema_name, o.object_name, o.kind, o.part)
            = (live.schema_name, live.object_name, live.kind, live.part)
            and live.make is distinct from o.seen
    )
    insert into :memory (
        schema_name, object_name, kind, part, origin, definition, seen, found_as
    )
    select
        live.schema_name,
        live.object_name,
        live.kind,
        live.part,
        case when by_us then 'added' else 'found' end,
        case when not by_us then live.make end,
        live.make,
        live.part
    from live
    left join :memory as o using (schema_name, object_name, kind, part)
    where o.origin is null;
    perform pg_temp.townhall_forget_nothing();
end
$note$
"""

_FORGET_NOTHING = """
create or replace function pg_temp.townhall_forget_nothing()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $forget$
begin
    if exists (select from :memory as o where o.decision is null) then
        return;
    end if;
    drop table :memory;
    if obj_description(to_regnamespace(:'schema'), 'pg_namespace') like 'townhall:%'
        and not exists (
            select
            from pg_depend as d
            where d.refclassid = 'pg_namespace'::regclass
                and d.refobjid = to_regnamespace(:'schema')
        )
    then
        drop schema :schema;
    end if;
end
$forget$
"""

_INTEND = """
create or replace function pg_temp.townhall_intend(
    schema_name text, table_name text, kind text, part text
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $intend$
begin
    insert into :memory (schema_name, object_name, kind, part, origin, found_as)
    select $1, $2, $3, $4, 'added', $4
    from :memory as o
    where o.schema_name = $1
        and o.object_name = $2
        and o.kind = 'table'
        and o.origin = 'found'
    on conflict do nothing;
end
$intend$
"""

_DROP_TABLE = """
create or replace function pg_temp.townhall_drop_table(schema_name text, table_name text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $drop_table$
declare
    table_origin record;
    referring record;
begin
    if pg_temp.townhall_table($1, $2) is null then
        return;
    end if;
    select o.* into table_origin
    from :memory as o
    where o.schema_name = $1
        and o.object_name = $2
        and o.kind = 'table'
        and o.origin = 'found';
    if found then
        perform pg_temp.townhall_take_back($1, $2);
        raise warning using
            errcode = :told,
            message = format(
                'left %I.%I with its rows: it was there before the revisions',
                $1, table_origin.found_as
            );
        return;
    end if;
    for referring in
        select k.conrelid::regclass as child, k.conname
        from pg_constraint as k
        join pg_class as c on c.oid = k.conrelid
        join pg_namespace as n on n.oid = c.relnamespace
        join :memory as o on o.schema_name = n.nspname
            and o.object_name = c.relname
            and o.kind = 'foreign key'
            and o.part = k.conname
            and o.origin = 'added'
        where k.confrelid = pg_temp.townhall_table($1, $2) and k.contype = 'f'
    loop
        execute format('alter table %s drop constraint %I', referring.child, referring.conname);
    end loop;
    execute format('drop table %I.%I', $1, $2);
end
$drop_table$
"""

_TAKE_BACK = """
create or replace function pg_temp.townhall_take_back(schema_name text, table_name text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $take_back$
declare
    target constant text := format('%I.%I', $1, $2);
    change record;
begin
    for change in
        select p.remove
        from pg_temp.townhall_parts(pg_temp.townhall_table($1, $2)) as p
        join :memory as o on o.schema_name = $1
            and o.object_name = $2
            and o.kind = p.kind
            and o.part = p.name
        where p.remove is not null
            and (
                o.origin = 'added'
                or o.definition is distinct from p.make and p.kind <> 'column'
            )
        order by array_position(:kinds, p.kind), p.name desc
    loop
        execute change.remove;
    end loop;
    for change in
        select o.definition
        from :memory as o
        left join pg_temp.townhall_parts(pg_temp.townhall_table($1, $2)) as p
            on p.kind = o.kind and p.name = o.part
        where o.schema_name = $1
            and o.object_name = $2
            and o.origin = 'found'
            and o.kind <> 'column'
            and o.definition is distinct from p.make
        order by
            array_position(:kinds, o.kind) desc,
            o.definition not like '%PRIMARY KEY%' and o.definition not like '%UNIQUE%',
            o.part
    loop
        execute change.definition;
    end loop;
    for change in
        select
            case
                when o.kind = 'index'
                    then format('alter index %I.%I rename to %I', $1, o.part, o.found_as)
                when o.kind = 'trigger'
                    then format('alter trigger %I on %s rename to %I', o.part, target, o.found_as)
                when o.kind = 'table' then format('alter table %s rename to %I', target, o.found_as)
                else format(
                    'alter table %s rename constraint %I to %I', target, o.part, o.found_as
                )
            end as statement,
            o.kind = 'table' as is_last
        from :memory as o
        where o.schema_name = $1
            and o.object_name = $2
            and o.origin = 'found'
            and (
                o.kind = 'table' and o.found_as <> o.object_name
                or o.kind in ('index', 'trigger', 'constraint', 'foreign key')
                and o.found_as <> o.part
            )
        union all
        select format(
            'alter table %s rename constraint %I to %I',
            target, k.conname, replace(k.conname, o.object_name, o.found_as)
        ), false
        from :memory as o
        join pg_constraint as k on k.conrelid = target::regclass
            and k.contype = 'n'  -- from PostgreSQL 18 on
            and strpos(k.conname, o.object_name) > 0
        where o.schema_name = $1
            and o.object_name = $2
            and o.kind = 'table'
            and o.found_as <> o.object_name
        order by 2
    loop
        execute change.statement;
    end loop;
    delete from :memory as o where o.schema_name = $1 and o.object_name = $2;
    perform pg_temp.townhall_forget_nothing();
end
$take_back$
"""

_IS_FOUND = """
create or replace function pg_temp.townhall_is_found(
    schema_name text, table_name text, kinds text[], part text
)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $is_found$
begin
    return exists (
        select
        from :memory as o
        where o.schema_name = $1
            and o.object_name = $2
            and o.kind = any ($3)
            and o.part = $4
            and o.origin = 'found'
    );
end
$is_found$
"""

_RENAMED = """
create or replace function pg_temp.townhall_renamed(schema_name text, old_name text, new_name text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $renamed$
begin
    update :memory as o
    set
        object_name = new_name,
        part = case
            when o.kind in ('index', 'trigger', 'constraint', 'foreign key')
                or o.kind = 'comment' and o.part ~ '^(index|trigger|constraint) '
                then replace(o.part, old_name, new_name)
            else o.part
        end,
        definition = case
            when o.kind in ('index', 'trigger', 'constraint', 'foreign key')
                and o.definition is distinct from o.seen
                then replace(
                    o.definition,
                    format(' %I ', o.part),
                    format(' %I ', replace(o.part, old_name, new_name))
                )
            else o.definition
        end
    where o.schema_name = $1 and o.object_name = old_name and o.kind not in ('function', 'view');
    update :memory as o
    set
        definition = replace(
            o.definition, format(' %I.%I', $1, old_name), format(' %I.%I', $1, new_name)
        )
    where o.schema_name = $1
        and o.object_name = new_name
        and o.kind not in ('function', 'view')
        and o.definition is distinct from o.seen;
    update :memory as o
    set
        definition = case when o.definition = o.seen then p.make else o.definition end,
        seen = p.make
    from pg_temp.townhall_parts(pg_temp.townhall_table($1, new_name)) as p
    where o.schema_name = $1
        and o.object_name = new_name
        and o.kind = p.kind
        and o.part = p.name;
end
$renamed$
"""

_RENAMED_PART = """
create or replace function pg_temp.townhall_renamed_part(
    schema_name text, table_name text, old_name text, new_name text
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $renamed_part$
begin
    if to_regclass(:'memory') is null then
        return;
    end if;
    update :memory as o
    set
        part = p.name,
        definition = case when o.definition = o.seen then p.make else o.definition end,
        seen = p.make
    from pg_temp.townhall_parts(pg_temp.townhall_table($1, $2)) as p
    where o.schema_name = $1
        and o.object_name = $2
        and o.kind = p.kind
        and (
            o.kind in ('constraint', 'foreign key', 'index')
                and o.part = old_name
                and p.name = new_name
            or o.kind = 'comment'
                and (o.part, p.name) in (
                    ('constraint ' || old_name, 'constraint ' || new_name),
                    ('index ' || old_name, 'index ' || new_name)
                )
        );
end
$renamed_part$
"""

_DROP_PARTS = """
create or replace function pg_temp.townhall_drop(
    schema_name text, table_name text, kinds text[], part text, statement text
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $drop$
begin
    if not pg_temp.townhall_is_found($1, $2, $3, $4) then
        execute statement;
    end if;
end
$drop$
"""

_REMEMBER_ROUTINES = """
create or replace function pg_temp.townhall_remember_others(
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
            n.nspname as schema_name,
            p.proname as object_name,
            'function' as kind,
            oidvectortypes(p.proargtypes) as part,
            concat_ws(
                E';\\n',
                pg_get_functiondef(p.oid),
                format('comment on routine %s is %L', s.signature, d.description),
                (
                    select string_agg(
                        format(
                            'grant execute on routine %s to %s%s',
                            s.signature,
                            case x.grantee when 0 then 'public' else x.grantee::regrole::text end,
                            case when x.is_grantable then ' with grant option' end
                        ),
                        E';\\n'
                    )
                    from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as x
                    where x.grantee <> p.proowner
                )
            ) as definition
        from jsonb_array_elements(names) as e
        join pg_namespace as n on n.nspname = e.value ->> 0
        join pg_proc as p on p.pronamespace = n.oid
            and p.proname = e.value ->> 1
            and p.prokind in ('f', 'p')
        cross join lateral (
            select format('%I.%I(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes))
        ) as s (signature)
        left join pg_description as d on d.classoid = 'pg_proc'::regclass and d.objoid = p.oid
        where not exists (
            select
            from pg_depend as x
            where x.classid = 'pg_proc'::regclass and x.objid = p.oid and x.deptype = 'e'
        )
    loop
        perform pg_temp.townhall_create_origins();
        insert into :memory (
            schema_name, object_name, kind, part, origin, definition, revision
        )
        values (
            one.schema_name,
            one.object_name,
            one.kind,
            one.part,
            $2,
            case when $2 = 'found' then one.definition end,
            $3
        )
        on conflict do nothing;
    end loop;
end
$remember$
"""

_RESTORE_ROUTINE = """
create or replace function pg_temp.townhall_drop_routine(
    signature text, statement text
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $restore$
declare
    routine constant oid := to_regprocedure(signature);
    former record;
    granted record;
begin
    select o.* into former
    from :memory as o
    join pg_proc as p on p.oid = routine
        and p.proname = o.object_name
        and oidvectortypes(p.proargtypes) = o.part
    join pg_namespace as n on n.oid = p.pronamespace and n.nspname = o.schema_name
    where o.kind = 'function' and o.origin = 'found';
    if not found then
        execute statement;
        return;
    end if;
    for granted in
        select distinct
            case x.grantee when 0 then 'public' else x.grantee::regrole::text end as role
        from pg_proc as p
        cross join aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as x
        where p.oid = routine and x.grantee <> p.proowner
    loop
        execute format(
            'revoke all on routine %s from %s', signature, granted.role
        );
    end loop;
    execute format('comment on routine %s is null', signature);
    execute former.definition;
    delete from :memory as o
    where (o.schema_name, o.object_name, o.kind, o.part)
        = (former.schema_name, former.object_name, former.kind, former.part);
    raise warning using
        errcode = :told,
        message = format('put back the function %s, which was there before', signature);
    perform pg_temp.townhall_forget_nothing();
end
$restore$
"""

_TEXTS = (
    PARTS,
    _CREATE,
    _RELATION,
    _IS_MADE,
    _REMEMBER,
    _REMEMBER_ROUTINES,
    _FORGET_NOTHING,
    _NOTE,
    _INTEND,
    _TAKE_BACK,
    _DROP_TABLE,
    _IS_FOUND,
    _DROP_PARTS,
    _RENAMED,
    _RENAMED_PART,
    _RESTORE_ROUTINE,
)


def procedures(schema: str, table: str, api_roles: Sequence[str]) -> list[str]:
    """Return the statements that create the temporary functions.

    Args:
        schema: The schema of helpers.
        table: The name of the memory in it.
        api_roles: The roles that the memory is closed to.
    """
    memory = sql.qualified(schema, table)
    roles = ", ".join(map(sql.literal, api_roles))
    values = {
        ":'memory'": sql.literal(memory),
        ":memory": memory,
        ":'schema'": sql.literal(sql.quote(schema)),
        ":schema": sql.quote(schema),
        ":api_roles": f"array[{roles}]::text[]",
        ":kinds": _KINDS,
        ":told": sql.literal(TOLD),
    }
    return [reduce(lambda done, each: done.replace(*each), values.items(), t) for t in _TEXTS]
