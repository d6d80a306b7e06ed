"""Renaming tables."""

from __future__ import annotations

from alembic import op

from townhall.migrate.origins import Origins
from townhall.pg import sql


def rename_table(old: str, new: str, *, schema: str = "public") -> None:
    """Rename a table, and the constraints, indexes and triggers that contain its name.

    Rows, policies, privileges and comments are kept. Nothing happens if no table has the old name,
    or a relation has the new one.

    Args:
        old: The name of the table; a view of that name is not renamed.
        new: The name to give it.
        schema: The schema of the table.
    """
    table, target = (sql.qualified(schema, name) for name in (old, new))
    context = op.get_context()
    origins = Origins.of(context)
    noted, remembered = _keep_memory(origins, schema, old, new) if origins else ("", "")
    context.execute(
        sql.statement(
            sql.do(
                f"""
declare
    old_name constant text := {sql.literal(old)};
    new_name constant text := {sql.literal(new)};
    found text;
begin
    if to_regclass({sql.literal(target)}) is not null or not exists (
        select
        from pg_catalog.pg_class as c
        where c.oid = to_regclass({sql.literal(table)}) and c.relkind in ('r', 'p')
    ) then
        return;
    end if;{noted}
    alter table {table} rename to {sql.quote(new)};
    for found in
        select c.conname
        from pg_catalog.pg_constraint as c
        where c.conrelid = {sql.literal(target)}::regclass and strpos(c.conname, old_name) > 0
    loop
        execute format(
            'alter table %s rename constraint %I to %I',
            {sql.literal(target)}, found, replace(found, old_name, new_name)
        );
    end loop;
    for found in
        select c.relname
        from pg_catalog.pg_index as i
        join pg_catalog.pg_class as c on c.oid = i.indexrelid
        where i.indrelid = {sql.literal(target)}::regclass and strpos(c.relname, old_name) > 0
    loop
        execute format(
            'alter index %I.%I rename to %I',
            {sql.literal(schema)}, found, replace(found, old_name, new_name)
        );
    end loop;
    for found in
        select t.tgname
        from pg_catalog.pg_trigger as t
        where t.tgrelid = {sql.literal(target)}::regclass
            and not t.tgisinternal
            and strpos(t.tgname, old_name) > 0
    loop
        execute format(
            'alter trigger %I on %s rename to %I',
            found, {sql.literal(target)}, replace(found, old_name, new_name)
        );
    end loop;{remembered}
end
"""
            )
        )
    )


def _keep_memory(origins: Origins, schema: str, old: str, new: str) -> tuple[str, str]:
    """Return what the memory does before the table is renamed, and behind that."""
    called = ", ".join(map(sql.literal, (schema, old, new)))
    # What the revision has changed on the table before is not what was found.
    noted, remembered = (
        f"""
    if to_regclass({sql.literal(origins.table)}) is not null then
        perform {call};
    end if;"""
        for call in (
            "pg_temp.townhall_note(true, array[]::text[])",
            f"pg_temp.townhall_renamed({called})",
        )
    )
    return noted, remembered
