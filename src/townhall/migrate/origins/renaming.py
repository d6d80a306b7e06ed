"""The temporary functions that record that tables and their parts were renamed.

In their text ``:memory`` stands for the table of the memory.
"""

from __future__ import annotations

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
    where o.schema_name = $1 and o.object_name = old_name and o.kind <> all (:beside);
    update :memory as o
    set
        definition = replace(
            o.definition, format(' %I.%I', $1, old_name), format(' %I.%I', $1, new_name)
        )
    where o.schema_name = $1
        and o.object_name = new_name
        and o.kind <> all (:beside)
        -- These have no name in the memory by which their former one comes back.
        and (o.definition is distinct from o.seen or o.kind = 'name of not null');
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
            or o.kind in ('replica identity', 'clustering')  -- by an index
            or o.kind = 'comment'
                and (o.part, p.name) in (
                    ('constraint ' || old_name, 'constraint ' || new_name),
                    ('index ' || old_name, 'index ' || new_name)
                )
        );
end
$renamed_part$
"""

RENAMING = (_RENAMED, _RENAMED_PART)
