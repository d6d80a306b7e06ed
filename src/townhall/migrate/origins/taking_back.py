"""The temporary functions that drop what was added, and put back what was there before.

In their text ``:memory`` stands for the table of the memory.
"""

from __future__ import annotations

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
        perform pg_temp.townhall_execute(
            format('alter table %s drop constraint %I', referring.child, referring.conname)
        );
    end loop;
    perform pg_temp.townhall_execute(format('drop table %I.%I', $1, $2));
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
    -- They refer to keys that go, and then to those that come back. What was added goes: a table of
    -- a revision that was not run may have it.
    referring constant jsonb := (
        select jsonb_agg(
            jsonb_build_object(
                'child', k.conrelid::regclass,
                'name', k.conname,
                'definition', pg_get_constraintdef(k.oid),
                'comment', obj_description(k.oid, 'pg_constraint'),
                'is_added', m.origin is not null
            )
        )
        from pg_constraint as k
        join pg_class as i on i.oid = k.conindid
        join :memory as o on o.schema_name = $1
            and o.object_name = $2
            and o.kind in ('constraint', 'index')
            and o.part = i.relname
        left join pg_temp.townhall_parts(pg_temp.townhall_table($1, $2)) as p on p.kind = o.kind
            and p.name = o.part
        join pg_class as c on c.oid = k.conrelid
        join pg_namespace as n on n.oid = c.relnamespace
        left join :memory as m on m.schema_name = n.nspname
            and m.object_name = c.relname
            and m.kind = 'foreign key'
            and m.part = k.conname
            and m.origin = 'added'
        where k.contype = 'f'
            and k.conparentid = 0
            and k.confrelid = pg_temp.townhall_table($1, $2)
            and (o.origin = 'added' or o.definition is distinct from p.make)
    );
    change record;
begin
    for change in
        select * from jsonb_to_recordset(referring) as r (child text, name text)
    loop
        perform pg_temp.townhall_execute(
            format('alter table %s drop constraint %I', change.child, change.name)
        );
    end loop;
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
        perform pg_temp.townhall_execute(change.remove);
    end loop;
    for change in
        select o.definition, o.kind
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
        begin
            perform pg_temp.townhall_execute(change.definition);
        exception when datatype_mismatch or undefined_function then
            -- The type of a converted column stays. What narrows access is not left out.
            if change.kind not in ('default', 'constraint', 'index', 'policy')
                or change.definition like '% as restrictive %' then
                raise;
            end if;
            raise warning using
                errcode = :told,
                message = format(
                    'not put back, since the type of a column stays converted (%s): %s',
                    sqlerrm, change.definition
                );
        end;
    end loop;
    for change in
        select *
        from jsonb_to_recordset(referring) as r (
            child text, name text, definition text, comment text, is_added boolean
        )
        where not r.is_added
    loop
        perform pg_temp.townhall_execute(
            format(
                'alter table %s add constraint %I %s', change.child, change.name, change.definition
            )
        );
        perform pg_temp.townhall_execute(
            format(
                'comment on constraint %I on %s is %L', change.name, change.child, change.comment
            )
        );
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
        order by 2
    loop
        perform pg_temp.townhall_execute(change.statement);
    end loop;
    for change in
        select o.found_as, o.definition
        from pg_temp.townhall_parts(pg_temp.townhall_table($1, $2)) as p
        join :memory as o on o.schema_name = $1
            and o.object_name = $2
            and o.kind = p.kind
            and o.part = p.name
        where o.kind = 'column' and o.origin = 'found' and o.definition <> p.make
        order by o.part
    loop
        raise warning using
            errcode = :told,
            message = format(
                'left the column %I of %s converted; it was there by: %s',
                change.found_as, target, change.definition
            );
    end loop;
    delete from :memory as o
    where o.schema_name = $1 and o.object_name = $2 and o.kind <> all (:beside);
    perform pg_temp.townhall_forget_nothing();
end
$take_back$
"""

_NAME_NOT_NULL = """
create or replace function pg_temp.townhall_name_not_null(
    table_name text, column_name text, constraint_name text
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $name_not_null$
declare
    present constant text := (
        select k.conname
        from pg_constraint as k
        join pg_attribute as a on a.attrelid = k.conrelid
            and k.conkey = array[a.attnum]
            and a.attname = $2
        where k.conrelid = to_regclass(btrim($1)) and k.contype = 'n'
    );
begin
    if present <> $3 then
        perform pg_temp.townhall_execute(
            format('alter table %s rename constraint %I to %I', btrim($1), present, $3)
        );
    end if;
end
$name_not_null$
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

_DROP_PARTS = """
create or replace function pg_temp.townhall_drop(
    schema_name text, table_name text, kinds text[], part text, statement text
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $drop$
begin
    -- What a revision has put in the place of a constraint or an index is dropped. What was there
    -- comes back with its table.
    if not exists (
        select
        from :memory as o
        left join pg_temp.townhall_parts(pg_temp.townhall_table($1, $2)) as p on p.kind = o.kind
            and p.name = o.part
        where o.schema_name = $1
            and o.object_name = $2
            and o.kind = any ($3)
            and o.part = $4
            and o.origin = 'found'
            and (o.kind = 'column' or p.make is null or p.make = o.definition)
    ) then
        perform pg_temp.townhall_execute(statement);
    end if;
end
$drop$
"""

_INDEX_WAS_FOUND = """
create or replace function pg_temp.townhall_index_was_found(schema_name text, index_name text)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $index$
declare
    index constant regclass := to_regclass(format('%I.%I', $1, $2));
begin
    return exists (
        select
        from :memory as o
        where o.schema_name = $1
            and o.kind = 'index'
            and o.part = $2
            and o.origin = 'found'
            and (index is null or o.definition = pg_get_indexdef(index))
    );
end
$index$
"""

TAKING_BACK = (
    _DROP_TABLE,
    _TAKE_BACK,
    _NAME_NOT_NULL,
    _IS_FOUND,
    _DROP_PARTS,
    _INDEX_WAS_FOUND,
)
