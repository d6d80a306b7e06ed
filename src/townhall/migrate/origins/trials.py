"""The temporary functions that try what a revision is going to do where something is there.

Each undoes what it has done.
"""

from __future__ import annotations

_REFUSAL = """
create or replace function pg_temp.townhall_refusal(statement text)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
set check_function_bodies = off
as $try$
begin
    perform pg_temp.townhall_execute(statement);
    raise exception using errcode = 'TWN00';
exception
    when sqlstate 'TWN00' then
        return null;
    when
        invalid_function_definition
        or wrong_object_type
        or insufficient_privilege
        or duplicate_function
    then
        return sqlerrm;
    when others then
        return null;
end
$try$
"""

_PART = """
create or replace function pg_temp.townhall_part(relation oid, kind text, name text)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $part$
    select regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', '')
    from pg_constraint as k
    where $2 = 'constraint' and k.conrelid = relation and k.conname = name
    union all
    select concat(
        case when i.indisunique then 'unique ' end,
        substring(pg_get_indexdef(i.indexrelid) from ' (USING .*)')
    )
    from pg_index as i
    join pg_class as c on c.oid = i.indexrelid
    -- One that is not valid is dropped and built again.
    where $2 <> 'constraint' and i.indrelid = relation and c.relname = name and i.indisvalid
$part$
"""

_RENDERED_PART = """
create or replace function pg_temp.townhall_rendered_part(
    schema_name text, table_name text, kind text, definition text
)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $rendered$
declare
    -- A foreign key of a temporary table refers to temporary tables alone.
    place constant text := case
        when definition ~* '^\\s*foreign\\s' then quote_ident(schema_name) else 'pg_temp'
    end || '.townhall_copy';
    rendered text;
begin
    perform pg_temp.townhall_execute(
        format('create table %s (like %I.%I)', place, schema_name, table_name)
    );
    perform pg_temp.townhall_execute(
        case kind
            when 'constraint'
                then format('alter table %s add constraint townhall_part %s', place, definition)
            else format('create %s townhall_part on %s %s', kind, place, definition)
        end
    );
    rendered := pg_temp.townhall_part(to_regclass(place), kind, 'townhall_part');
    raise exception using errcode = 'TWN00';
exception
    when sqlstate 'TWN00' then
        return rendered;
    when undefined_column then
        return '';
    when others then
        return null;
end
$rendered$
"""

_OTHER_PART = """
create or replace function pg_temp.townhall_other_part(
    schema_name text, table_name text, kind text, name text, definition text
)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $other$
declare
    actual constant text := pg_temp.townhall_part(
        pg_temp.townhall_table($1, $2), $3, $4
    );
    declared text;
begin
    if actual is null or pg_temp.townhall_is_added($1, $2, $4) then
        return null;
    end if;
    declared := pg_temp.townhall_rendered_part($1, $2, $3, $5);
    -- PostgreSQL renders otherwise what it has rendered before.
    if declared is null or declared = actual or pg_temp.townhall_again($1, $2, declared)
        = pg_temp.townhall_again($1, $2, actual)
    then
        return null;
    end if;
    return actual;
end
$other$
"""

_AGAIN = """
create or replace function pg_temp.townhall_again(
    schema_name text, table_name text, rendered text
)
returns text
language sql
set search_path = pg_catalog, pg_temp
as $again$
    select case
        when rendered like 'unique USING %'
            then pg_temp.townhall_rendered_part($1, $2, 'unique index', substr(rendered, 8))
        when rendered like 'USING %'
            then pg_temp.townhall_rendered_part($1, $2, 'index', rendered)
        else pg_temp.townhall_rendered_part($1, $2, 'constraint', rendered)
    end
$again$
"""

_IS_ADDED = """
create or replace function pg_temp.townhall_is_added(schema_name text, table_name text, part text)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $added$
begin
    if to_regclass(:'memory') is null then
        return false;
    end if;
    return exists (
        select
        from :memory as o
        where o.schema_name = $1
            and o.object_name = $2
            and (o.kind in ('constraint', 'foreign key', 'index') and o.part = $3
                and o.origin = 'added'
                or o.kind = 'table' and o.origin = 'made')
    );
end
$added$
"""

_TYPE = """
create or replace function pg_temp.townhall_type(type oid)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $type$
    select case
        when t.typtype = 'e' then 'an enum of ' || (
            select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
            from pg_enum as e
            where e.enumtypid = t.oid
        )
        when t.typtype = 'd' then concat_ws(
            ' ',
            'a domain over',
            format_type(t.typbasetype, t.typtypmod),
            case when t.typnotnull then 'not null' end,
            (
                select string_agg(
                    format(
                        'constraint %I %s',
                        k.conname, regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', '')
                    ),
                    ' ' order by k.conname
                )
                from pg_constraint as k
                where k.contypid = t.oid and k.contype = 'c'
            )
        )
        when t.typtype = 'r' then (
            select format(
                'a range of %s',
                concat_ws(
                    ' ',
                    r.rngsubtype::regtype,
                    nullif(r.rngcollation, 0)::regcollation,
                    (select o.opcname from pg_opclass as o where o.oid = r.rngsubopc),
                    nullif(r.rngsubdiff, 0)::regproc
                )
            )
            from pg_range as r
            where r.rngtypid = t.oid
        )
        when c.relkind = 'c' then format(
            'a composite type (%s)',
            (
                select string_agg(
                    format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)),
                    ', ' order by a.attnum
                )
                from pg_attribute as a
                where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            )
        )
    end
    from pg_type as t
    left join pg_class as c on c.oid = t.typrelid
    where t.oid = type
$type$
"""

_OTHER_TYPE = """
create or replace function pg_temp.townhall_other_type(
    schema_name text, name text, statement text
)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $other$
declare
    actual constant text := pg_temp.townhall_type(to_regtype(format('%I.%I', $1, $2)));
    declared text;
begin
    perform pg_temp.townhall_execute(statement);
    declared := pg_temp.townhall_type(to_regtype('pg_temp.townhall_tried'));
    raise exception using errcode = 'TWN00';
exception
    when sqlstate 'TWN00' then
        return case
            when declared <> actual then format('it is %s; declared: %s', actual, declared)
        end;
    when others then
        return null;
end
$other$
"""

TRIALS = (
    _REFUSAL,
    _PART,
    _RENDERED_PART,
    _AGAIN,
    _IS_ADDED,
    _OTHER_PART,
    _TYPE,
    _OTHER_TYPE,
)
