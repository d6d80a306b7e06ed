"""Constraints that are added without a long exclusive lock."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from alembic import op
from alembic.runtime.migration import MigrationContext
from sqlalchemy import TextClause, text
from sqlalchemy.exc import DBAPIError

from townhall.migrate.created_parts import CreatedPart, tell_created_part
from townhall.migrate.guard.limits import is_usable
from townhall.migrate.origins import committed_apart
from townhall.migrate.safety.indexes import create_index
from townhall.migrate.safety.locks import in_attempts
from townhall.migrate.safety.partitions import index_partitions, is_partitioned, leaves
from townhall.migrate.safety.rows import refuse_breaking_rows, refuse_duplicates
from townhall.migrate.safety.waiting import without_lock_timeout
from townhall.pg import sql
from townhall.pg.catalog import TableName

_NULLS = re.compile(r"\s+nulls\s+not\s+distinct\s*$", re.IGNORECASE)
_KEYS_NOT_VALID = (18,)
"""The version from which on a foreign key of a partitioned table can be ``not valid``."""


def add_constraint(
    table: str, name: str, definition: str, *, schema: str = "public", partitioned: bool = False
) -> None:
    """Add a constraint to a large table while it is in use.

    The constraint is added ``not valid``, under a short exclusive lock, and then validated under a
    lock that blocks neither reads nor writes. Both are committed apart from the revision's
    transaction. Rows that break it are counted before. If it can't be validated, it is dropped
    again, the earlier operations are kept, and the revision can run again.

    Before PostgreSQL 18 the foreign key of a partitioned table is added and validated in one
    partition after the other, and becomes one of the whole table then.

    Args:
        table: The name of the table.
        name: The name of the constraint; an existing one is only validated.
        definition: The definition after the name: ``check (price >= 0)``,
            ``foreign key (event_id) references public.events (id)``.
        schema: The schema of the table.
        partitioned: Whether the table is partitioned, which only a script (``--sql``) has to be
            told; there a foreign key blocks writes until the rows are read.

    Raises:
        IntegrityError: Rows break the constraint; the message counts and names them.
    """
    target = sql.qualified(schema, table)
    context = op.get_context()
    is_key = definition.lstrip()[:7].lower() == "foreign"
    if context.as_sql and partitioned and is_key:
        add_constraint_at_once(table, name, definition, schema=schema)
        return
    _tell(context, schema, table, name, definition)
    refuse = refuse_breaking_rows(schema, table, name, definition)
    kind = "foreign key" if is_key else "constraint"
    with committed_apart(context, (schema, table, kind, name)):
        context.execute(refuse)
        if is_key and _takes_keys_in_parts(context, target):
            parts = leaves(context, target)
            _add_and_validate(context, parts, name, definition, refuse)
            # PostgreSQL finds them there, and does not read the rows again.
            context.execute(in_attempts(addition_if_missing(target, name, definition)))
        else:
            _add_and_validate(context, [target], name, definition, refuse)


def _takes_keys_in_parts(context: MigrationContext, target: str) -> bool:
    connection = context.connection
    if context.as_sql or connection is None:
        return False
    version = connection.dialect.server_version_info or ()
    return version < _KEYS_NOT_VALID and is_partitioned(context, target)


def _add_and_validate(
    context: MigrationContext,
    targets: Sequence[str],
    name: str,
    definition: str,
    refuse: TextClause,
) -> None:
    added: list[Callable[[], None]] = []
    try:
        for target in targets:
            undo = _undo(context, target, name)
            # A foreign key locks two tables, which an application may use in another order.
            add = addition_if_missing(target, name, f"{sql.layout(definition)} not valid")
            context.execute(in_attempts(add))
            added.append(undo)
            with without_lock_timeout(context):
                validate = f"alter table {target} validate constraint {sql.quote(name)}"
                context.execute(sql.statement(validate))
    except DBAPIError:
        for undo in added:
            undo()
        if added:
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
    partitioned: bool = False,
) -> None:
    """Add a unique constraint or a primary key to a large table while it is in use.

    That of a partitioned table is built in one partition after the other, and is valid when all of
    them have it.

    Args:
        table: The name of the table.
        name: The name of the constraint and of its index, which is built concurrently.
        columns: The columns, in parentheses: ``(event_id, email)``, and what an index says behind
            them: ``(event_id) include (email) nulls not distinct``.
        schema: The schema of the table.
        primary_key: Whether it is the primary key.
        deferrable: Whether it can be deferred: ``deferrable initially deferred``.
        partitioned: Whether the table is partitioned, which only a script (``--sql``) has to be
            told; there the key blocks reads and writes until it is built.
    """
    target = sql.qualified(schema, table)
    key = "primary key" if primary_key else "unique"
    context = op.get_context()
    _tell(context, schema, table, name, f"{key} {columns} {deferrable}".rstrip())
    if partitioned if context.as_sql else is_partitioned(context, target):
        clause = f"{_unique(key, columns)} {deferrable}".rstrip()
        _add_unique_in_parts((schema, table), name, columns, clause)
        return
    clause = f"{key} using index {sql.quote(name)} {deferrable}".rstrip()
    create_index(name, table, columns, unique=True, schema=schema)
    op.execute(_add_if_missing(target, name, clause))


def _unique(key: str, columns: str) -> str:
    """Return a unique constraint from what an index says of it."""
    nulls = _NULLS.search(columns)
    return f"{key}{nulls[0]} {_NULLS.sub('', columns)}" if nulls else f"{key} {columns}"


def _add_unique_in_parts(place: TableName, name: str, columns: str, clause: str) -> None:
    schema, table = place
    target = sql.qualified(*place)
    context = op.get_context()
    if context.as_sql:
        context.execute(_add_if_missing(target, name, clause))
        return
    with committed_apart(context, (schema, table, "constraint", name)):
        context.execute(refuse_duplicates(schema, table, name, columns))
        add = f"alter table only {target} add constraint {sql.quote(name)} {clause}"
        context.execute(in_attempts(_where("not exists", target, name, add)))
        with without_lock_timeout(context):
            index_partitions(context, sql.qualified(schema, name))


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
    words = definition.lower().split()
    # What is not valid or not enforced may be broken by the rows that are there.
    if words[0] in {"check", "foreign"} and words[-2:] not in (
        ["not", "valid"],
        ["not", "enforced"],
    ):
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
    body = sql.indented(_where("exists", target, old, rename))
    op.execute(sql.statement(sql.do(f"\nbegin\n{body}\nend\n")))


def _tell(context: MigrationContext, schema: str, table: str, name: str, definition: str) -> None:
    part = CreatedPart((schema, table), "constraint", name, sql.layout(definition))
    tell_created_part(context, part)


def _undo(context: MigrationContext, target: str, name: str) -> Callable[[], None]:
    """Return what drops the constraint again, if it does not exist yet."""
    connection = context.connection
    if context.as_sql or connection is None:
        return lambda: None
    removal = sql.statement(f"alter table {target} drop constraint if exists {sql.quote(name)}")
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
    body = sql.indented(addition_if_missing(target, name, definition))
    return sql.statement(sql.do(f"\nbegin\n{body}\nend\n"))


def addition_if_missing(target: str, name: str, definition: str) -> str:
    """Return PL/pgSQL that adds a constraint to a table that has none of its name.

    Args:
        target: The qualified name of the table.
        name: The name of the constraint.
        definition: What follows its name.
    """
    add = f"alter table {target} add constraint {sql.quote(name)} {definition}"
    return _where("not exists", target, name, add)


def _where(condition: str, target: str, name: str, statement: str) -> str:
    return f"""if {condition} (
    select
    from pg_catalog.pg_constraint as c
    where c.conrelid = {sql.literal(target)}::regclass and c.conname = {sql.literal(name)}
) then
    {statement};
end if;"""
