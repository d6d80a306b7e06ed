"""Constraints that are added without a long exclusive lock."""

from __future__ import annotations

from alembic import op

from townhall.migrate.safety.indexes import create_index
from townhall.pg import sql


def add_constraint(table: str, name: str, definition: str, *, schema: str = "public") -> None:
    """Add a constraint to a large table while it is in use.

    The constraint is added ``not valid``, under a short exclusive lock, and then validated under a
    lock that blocks neither reads nor writes. Both are committed apart from the revision's
    transaction: if rows violate the constraint, the earlier operations are kept, and the revision
    can run again.

    Args:
        table: The name of the table.
        name: The name of the constraint; an existing one is only validated.
        definition: The definition after the name: ``check (price >= 0)``,
            ``foreign key (event_id) references public.events (id)``.
        schema: The schema of the table.
    """
    target = f"{sql.quote(schema)}.{sql.quote(table)}"
    constraint = sql.quote(name)
    add = f"alter table {target} add constraint {constraint} {sql.layout(definition)} not valid"
    context = op.get_context()
    with context.autocommit_block():
        context.execute(
            sql.statement(
                f"""do $do$
begin
    if not exists (
        select
        from pg_catalog.pg_constraint as c
        where c.conrelid = {sql.literal(target)}::regclass and c.conname = {sql.literal(name)}
    ) then
        {add};
    end if;
end
$do$"""
            )
        )
        context.execute(sql.statement(f"alter table {target} validate constraint {constraint}"))


def set_not_null(table: str, column: str, *, schema: str = "public") -> None:
    """Set a column of a large table not null while it is in use.

    A check that is validated first spares PostgreSQL a scan of the table under an exclusive lock.

    Args:
        table: The name of the table.
        column: The name of the column.
        schema: The schema of the table.
    """
    target = f"{sql.quote(schema)}.{sql.quote(table)}"
    proof = f"{column}_is_known"
    add_constraint(table, proof, f"check ({sql.quote(column)} is not null)", schema=schema)
    # In one statement PostgreSQL would drop the constraint first, and then scan the table.
    op.execute(sql.statement(f"alter table {target} alter column {sql.quote(column)} set not null"))
    op.execute(sql.statement(f"alter table {target} drop constraint {sql.quote(proof)}"))


def add_unique(table: str, name: str, columns: str, *, schema: str = "public") -> None:
    """Add a unique constraint to a large table while it is in use.

    Args:
        table: The name of the table.
        name: The name of the constraint and of its index, which is built concurrently.
        columns: The columns, in parentheses: ``(event_id, email)``.
        schema: The schema of the table.
    """
    create_index(name, table, columns, unique=True, schema=schema)
    target = f"{sql.quote(schema)}.{sql.quote(table)}"
    op.execute(
        sql.statement(
            f"""do $do$
begin
    if not exists (
        select
        from pg_catalog.pg_constraint as c
        where c.conrelid = {sql.literal(target)}::regclass and c.conname = {sql.literal(name)}
    ) then
        alter table {target} add constraint {sql.quote(name)} unique using index {sql.quote(name)};
    end if;
end
$do$"""
        )
    )
