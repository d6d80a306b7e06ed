"""Constraints that are added without a long exclusive lock."""

from __future__ import annotations

from collections.abc import Callable

from alembic import op
from alembic.runtime.migration import MigrationContext
from sqlalchemy import TextClause, text
from sqlalchemy.exc import DBAPIError

from townhall.migrate.created_parts import CreatedPart, tell_created_part
from townhall.migrate.guard.limits import is_usable
from townhall.migrate.origins import committed_apart
from townhall.migrate.safety.indexes import create_index
from townhall.migrate.safety.locks import in_attempts
from townhall.migrate.safety.rows import refuse_breaking_rows
from townhall.migrate.safety.waiting import without_lock_timeout
from townhall.pg import sql


def add_constraint(table: str, name: str, definition: str, *, schema: str = "public") -> None:
    """Add a constraint to a large table while it is in use.

    The constraint is added ``not valid``, under a short exclusive lock, and then validated under a
    lock that blocks neither reads nor writes. Both are committed apart from the revision's
    transaction. Rows that break it are counted before. If it can't be validated, it is dropped
    again, the earlier operations are kept, and the revision can run again.

    Args:
        table: The name of the table.
        name: The name of the constraint; an existing one is only validated.
        definition: The definition after the name: ``check (price >= 0)``,
            ``foreign key (event_id) references public.events (id)``.
        schema: The schema of the table.

    Raises:
        IntegrityError: Rows break the constraint; the message counts and names them.
    """
    target = sql.qualified(schema, table)
    constraint = sql.quote(name)
    context = op.get_context()
    _tell(context, schema, table, name, definition)
    kind = "foreign key" if definition.lstrip()[:7].lower() == "foreign" else "constraint"
    refuse = refuse_breaking_rows(schema, table, name, definition)
    with committed_apart(context, (schema, table, kind, name)):
        context.execute(refuse)
        undo = _undo(context, target, name)
        # A foreign key locks two tables, which an application may use in another order.
        add = f"alter table {target} add constraint {constraint} {sql.layout(definition)} not valid"
        context.execute(in_attempts(_where("not exists", target, name, add)))
        try:
            with without_lock_timeout(context):
                context.execute(
                    sql.statement(f"alter table {target} validate constraint {constraint}")
                )
        except DBAPIError:
            undo()
            context.execute(refuse)  # rows that were written since
            raise


def set_not_null(table: str, column: str, *, schema: str = "public") -> None:
    """Set a column of a large table not null while it is in use.

    A check that is validated first spares PostgreSQL a scan of the table under an exclusive lock.

    Args:
        table: The name of the table.
        column: The name of the column.
        schema: The schema of the table.
    """
    target = sql.qualified(schema, table)
    proof = sql.generated_name(column, [], "is_known")
    add_constraint(table, proof, f"check ({sql.quote(column)} is not null)", schema=schema)
    # In one statement PostgreSQL would drop the constraint first, and then scan the table.
    op.execute(sql.statement(f"alter table {target} alter column {sql.quote(column)} set not null"))
    op.execute(sql.statement(f"alter table {target} drop constraint if exists {sql.quote(proof)}"))


def add_unique(  # noqa: PLR0913 - what a unique constraint can say
    table: str,
    name: str,
    columns: str,
    *,
    schema: str = "public",
    primary_key: bool = False,
    deferrable: str = "",
) -> None:
    """Add a unique constraint or a primary key to a large table while it is in use.

    Args:
        table: The name of the table.
        name: The name of the constraint and of its index, which is built concurrently.
        columns: The columns, in parentheses: ``(event_id, email)``, and what an index says behind
            them: ``(event_id) include (email) nulls not distinct``.
        schema: The schema of the table.
        primary_key: Whether it is the primary key.
        deferrable: Whether it can be deferred: ``deferrable initially deferred``.
    """
    target = sql.qualified(schema, table)
    key = "primary key" if primary_key else "unique"
    clause = f"{key} using index {sql.quote(name)} {deferrable}".rstrip()
    _tell(op.get_context(), schema, table, name, f"{key} {columns} {deferrable}".rstrip())
    create_index(name, table, columns, unique=True, schema=schema)
    op.execute(_add_if_missing(target, name, clause))


def add_constraint_at_once(
    table: str, name: str, definition: str, *, schema: str = "public"
) -> None:
    """Add a constraint to a small table, or to one that is not in use, if it is missing.

    Args:
        table: The name of the table, which is locked until its rows are checked.
        name: The name of the constraint.
        definition: The definition after the name: ``unique (event_id, email)``.
        schema: The schema of the table.
    """
    target = sql.qualified(schema, table)
    _tell(op.get_context(), schema, table, name, definition)
    if definition.lstrip()[:7].lower().startswith(("check", "foreign")):
        op.execute(refuse_breaking_rows(schema, table, name, definition))
    op.execute(_add_if_missing(target, name, sql.layout(definition)))


def rename_constraint(table: str, old: str, new: str, *, schema: str = "public") -> None:
    """Rename a constraint, if one has the old name.

    Args:
        table: The name of the table.
        old: The name of the constraint.
        new: The name to give it.
        schema: The schema of the table.
    """
    target = sql.qualified(schema, table)
    rename = f"alter table {target} rename constraint {sql.quote(old)} to {sql.quote(new)}"
    op.execute(_only_if("exists", target, old, rename))


def _tell(context: MigrationContext, schema: str, table: str, name: str, definition: str) -> None:
    part = CreatedPart((schema, table), "constraint", name, sql.layout(definition))
    tell_created_part(context, part)


def _undo(context: MigrationContext, target: str, name: str) -> Callable[[], None]:
    """Return what drops the constraint again, if it does not exist yet."""
    connection = context.connection
    if context.as_sql or connection is None:
        return lambda: None
    removal = sql.statement(f"alter table {target} drop constraint {sql.quote(name)}")
    exists = text(
        "select exists (select from pg_catalog.pg_constraint as c"
        " where c.conrelid = cast(:target as regclass) and c.conname = :name)"
    )
    if connection.scalar(exists, {"target": target, "name": name}):
        return lambda: None

    def drop() -> None:
        if is_usable(connection):
            context.execute(removal)

    return drop


def _add_if_missing(target: str, name: str, definition: str) -> TextClause:
    add = f"alter table {target} add constraint {sql.quote(name)} {definition}"
    return _only_if("not exists", target, name, add)


def _only_if(condition: str, target: str, name: str, statement: str) -> TextClause:
    body = sql.indented(_where(condition, target, name, statement))
    return sql.statement(sql.do(f"\nbegin\n{body}\nend\n"))


def _where(condition: str, target: str, name: str, statement: str) -> str:
    return f"""if {condition} (
    select
    from pg_catalog.pg_constraint as c
    where c.conrelid = {sql.literal(target)}::regclass and c.conname = {sql.literal(name)}
) then
    {statement};
end if;"""
