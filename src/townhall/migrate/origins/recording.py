"""The temporary functions that record what is there, and what has changed.

In their text ``:memory`` stands for the table of the memory. A row of it is a table of a declared
name, a part of one, a function or another object. ``origin`` says whether it was found, added or
made, ``definition`` is the SQL that makes it as it was found, ``seen`` the SQL that makes it as it
was last seen (of an object beside tables: what is set for it), ``found_as`` its name when it was
found, ``revision`` the revision that made it, and ``decision`` whether an adoption keeps it.
"""

from __future__ import annotations

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
    -- An event trigger of others may need what is in public.
    perform set_config('search_path', 'pg_catalog, public, pg_temp', true);
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
        perform pg_temp.townhall_execute(format('revoke all on table :memory from %I', api_role));
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
create or replace function pg_temp.townhall_is_made(
    schema_name text, object_name text, kind text default 'table'
)
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
        where o.schema_name = $1 and o.object_name = $2 and o.kind = $3 and o.origin = 'made'
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
        or o.kind <> all (:beside)
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
        join :memory as t on t.schema_name = o.schema_name
            and t.object_name = o.object_name
            and t.kind = 'table'
        left join live on live.schema_name = o.schema_name
            and live.object_name = o.object_name
            and live.kind = o.kind
            and live.part = o.part
        where o.kind <> 'table' and o.kind <> all (:beside) and live.make is null
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
    if exists (select from :memory) then
        return;
    end if;
    perform set_config('search_path', 'pg_catalog, public, pg_temp', true);
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

_BEGIN = """
create or replace function pg_temp.townhall_begin(objects jsonb, revision text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $begin$
begin
    perform pg_temp.townhall_create_origins();
    insert into :memory (schema_name, object_name, kind, part, origin, found_as, revision)
    select
        e.value ->> 1, e.value ->> 2, e.value ->> 0, e.value ->> 3, 'made', e.value ->> 2, $2
    from jsonb_array_elements(objects) as e
    on conflict do nothing;
end
$begin$
"""

_FORGET = """
create or replace function pg_temp.townhall_forget(schema_name text, table_name text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $forget$
begin
    delete from :memory as o
    where o.schema_name = $1 and o.object_name = $2 and o.kind <> all (:beside);
    perform pg_temp.townhall_forget_nothing();
end
$forget$
"""

RECORDING = (
    _CREATE,
    _RELATION,
    _IS_MADE,
    _REMEMBER,
    _NOTE,
    _FORGET_NOTHING,
    _INTEND,
    _BEGIN,
    _FORGET,
)
