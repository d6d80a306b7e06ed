"""The temporary function that ends a memory, once no revision is applied any more.

In its text ``:memory`` stands for the table of the memory.
"""

from __future__ import annotations

_FOUND_TABLES = """
create or replace function pg_temp.townhall_found_tables()
returns text[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $found$
begin
    if to_regclass(:'memory') is null then
        return '{}';
    end if;
    return array(
        select array[o.schema_name, o.object_name]
        from :memory as o
        where o.kind = 'table' and o.origin = 'found' and o.decision is null
        order by o.schema_name, o.object_name
    );
end
$found$
"""

_END = """
create or replace function pg_temp.townhall_end()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $end$
declare
    remaining text[];
    former text[];
    one text[];
    object text[];
begin
    -- What an adoption has changed, and no revision has come to. A foreign key comes back when the
    -- key that it refers to has.
    loop
        remaining := pg_temp.townhall_found_tables();
        exit when remaining = '{}';
        foreach one slice 1 in array remaining loop
            begin
                perform pg_temp.townhall_take_back(one[1], one[2]);
                raise warning using
                    errcode = :told,
                    message = format(
                        'took back what was changed of %I.%I before the revisions', one[1], one[2]
                    );
            exception when invalid_foreign_key or dependent_objects_still_exist then
                if remaining = former then
                    raise;
                end if;
            end;
        end loop;
        former := remaining;
    end loop;
    if to_regclass(:'memory') is not null then
        for one in
            select array[o.definition] from :memory as o where o.kind = 'usage'
        loop
            perform pg_temp.townhall_execute(one[1]);
        end loop;
        for object in
            select array[o.schema_name, o.object_name, o.kind, o.part]
            from :memory as o
            where o.kind = any (:beside)
                and o.origin = 'found'
                and o.decision is null
                and not exists (
                    select
                    from pg_temp.townhall_objects(o.kind, o.schema_name, o.object_name) as e
                    where e.part = o.part
                )
        loop
            perform pg_temp.townhall_make(object[1], object[2], object[3], object[4]);
        end loop;
        delete from :memory as o where o.origin <> 'made';
        perform pg_temp.townhall_forget_nothing();
    end if;
end
$end$
"""

ENDING = (_FOUND_TABLES, _END)
