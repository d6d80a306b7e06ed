"""Renaming tables, and updating their rows."""

from __future__ import annotations

from alembic import op
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from townhall.migrate.origins import Origins, note_before_commit
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
    table, target = (f"{sql.quote(schema)}.{sql.quote(name)}" for name in (old, new))
    context = op.get_context()
    origins = Origins.of(context)
    remembered = _keep_memory(origins, schema, old, new) if origins else ""
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
    end if;
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


def _keep_memory(origins: Origins, schema: str, old: str, new: str) -> str:
    called = ", ".join(map(sql.literal, (schema, old, new)))
    return f"""
    if to_regclass({sql.literal(origins.table)}) is not null then
        perform pg_temp.townhall_renamed({called});
    end if;"""


def update_in_batches(
    table: str, assignments: str, *, where: str, size: int = 5_000, schema: str = "public"
) -> None:
    """Update the rows of a large table while it is in use.

    Each batch is committed in a transaction of its own and locks only its rows; the revision's
    transaction is committed before. A script (``--sql``) updates all rows in one statement.

    Args:
        table: The name of the table, whose primary key is ``id``; its alias is ``t``.
        assignments: The assignments after ``set``.
        where: A condition that is true for rows to update, and false for updated ones.
        size: The number of rows of a batch.
        schema: The schema of the table.
    """
    target = f"{sql.quote(schema)}.{sql.quote(table)} as t"
    update = f"update {target}\nset {sql.layout(assignments)}"
    context = op.get_context()
    if context.as_sql:
        context.execute(sql.statement(f"{update}\nwhere {where}"))
        return
    connection = context.connection
    assert connection is not None  # noqa: S101 - only a script has none
    # A statement of its own locks the rows, so that the update reads from other tables what was
    # committed until the locks were granted.
    lock = f"select t.id from {target} %s order by t.id limit {size} for no key update"
    changes = text(f"{sql.statement(update).text} where t.id = any (:batch) and ({where})")
    note_before_commit(context)
    _commit(context)
    batch = connection.scalars(text(lock.replace("%s", ""))).all()
    while batch:
        connection.execute(changes, {"batch": batch})
        _commit(context)
        after = text(lock.replace("%s", "where t.id > :last"))
        batch = connection.scalars(after, {"last": batch[-1]}).all()


def _commit(context: MigrationContext) -> None:
    with context.autocommit_block():
        pass
