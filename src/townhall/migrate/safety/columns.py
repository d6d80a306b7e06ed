"""Columns that are added to a table in use, whose values differ from row to row."""

from __future__ import annotations

from alembic import op
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from townhall.pg import sql
from townhall.pg.requirements import Requirement, guarded

_PAGES = 100
"""How many pages of a table, of 8 kB each, a batch reads."""

_PASSES = 3
"""How often a table is read: a row may move behind the reader while it is updated by others."""


def fill_column(table: str, column: str, *, schema: str = "public") -> None:
    """Give the rows of a large table their default in a column while the table is in use.

    It is for a column that was added without a default, and got one then. Rows that have a value
    keep it. Each batch is committed in a transaction of its own and locks only its rows; the
    revision's transaction is committed before. Triggers on updates run. A script (``--sql``)
    updates all rows in one statement.

    Args:
        table: The name of the table; the rows of its partitions are updated as well.
        column: The name of the column.
        schema: The schema of the table.
    """
    target, name = sql.qualified(schema, table), sql.quote(column)
    context = op.get_context()
    if context.as_sql:
        update = f"update {target} set {name} = default where {name} is null"
        context.execute(sql.statement(update))
        return
    connection = context.connection
    assert connection is not None  # noqa: S101 - only a script has none
    tables = connection.scalars(text(_WITH_ROWS), {"table": target}).all()
    _commit(context)
    for each in tables:
        for _ in range(_PASSES):
            if not _fill(context, connection, each, name):
                break


def add_serial(table: str, column: str, options: str = "", *, schema: str = "public") -> None:
    """Let a column take its numbers from a sequence of its own, as ``serial`` does.

    A column that has one keeps it, and an identity column stays as it is.

    Args:
        table: The name of the table.
        column: The name of the column.
        options: The options of the sequence: ``start with 10``.
        schema: The schema of the table.
    """
    target, name = sql.qualified(schema, table), sql.quote(column)
    sequence = sql.qualified(schema, sql.shortened(f"{table}_{column}_seq"))
    default = f"nextval({sql.literal(sequence)}::regclass)"
    add = [
        f"create sequence {sequence} {options} owned by {target}.{name}",
        f"alter table {target} alter column {name} set default {default}",
    ]
    has_none = Requirement(
        f"column {name} of {target} without a sequence",
        f"pg_catalog.pg_get_serial_sequence({sql.literal(target)}, {sql.literal(column)}) is null",
    )
    op.execute(sql.statement(guarded(has_none, add)))


def add_identity(table: str, column: str, definition: str, *, schema: str = "public") -> None:
    """Let a column that takes its numbers from a sequence of its own be an identity column.

    The numbers go on. An identity column stays as it is.

    Args:
        table: The name of the table.
        column: The name of the column, which is not null.
        definition: What it is: ``generated always as identity (start with 10)``.
        schema: The schema of the table.
    """
    target = sql.qualified(schema, table)
    alter = f"alter table {target} alter column {sql.quote(column)}"
    op.execute(
        sql.statement(
            _ADD_IDENTITY.format(
                target=target,
                table=sql.literal(target),
                column=sql.literal(column),
                alter=alter,
                definition=definition,
            )
        )
    )


def _fill(context: MigrationContext, connection: Connection, table: str, column: str) -> int:
    filled = 0
    pages: int = connection.scalar(text(_SIZE), {"table": table}) or 0
    update = text(
        f"update only {table} set {column} = default"
        " where ctid >= cast(:first as tid) and ctid < cast(:next as tid)"
        f" and {column} is null"
    )
    _commit(context)
    for page in range(0, pages, _PAGES):
        batch = {"first": f"({page},0)", "next": f"({page + _PAGES},0)"}
        filled += connection.execute(update, batch).rowcount
        _commit(context)
    return filled


def _commit(context: MigrationContext) -> None:
    with context.autocommit_block():
        pass


_WITH_ROWS = """
    with recursive named (oid) as (
        select pg_catalog.to_regclass(:table)::oid
        union
        select i.inhrelid
        from named
        join pg_catalog.pg_inherits as i on i.inhparent = named.oid
    )
    select pg_catalog.format('%I.%I', n.nspname, c.relname)
    from named
    join pg_catalog.pg_class as c using (oid)
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind = 'r'
    order by 1
"""
"""The table, or what has its rows: its partitions and the tables that inherit from it."""

_SIZE = """
    select pg_catalog.pg_relation_size(pg_catalog.to_regclass(:table))
        / pg_catalog.current_setting('block_size')::integer
"""

_ADD_IDENTITY = """do $do$
declare
    numbers text;
    last_number bigint;
    is_used boolean;
begin
    if exists (
        select
        from pg_catalog.pg_attribute as a
        where a.attrelid = {table}::regclass and a.attname = {column} and a.attidentity <> ''
    ) then
        return;
    end if;
    lock table {target} in access exclusive mode;
    numbers := pg_catalog.pg_get_serial_sequence({table}, {column});
    execute 'select last_value, is_called from ' || numbers into strict last_number, is_used;
    {alter} drop default;
    execute 'drop sequence ' || numbers;
    {alter} add {definition};
    numbers := pg_catalog.pg_get_serial_sequence({table}, {column});
    perform pg_catalog.setval(numbers::regclass, last_number, is_used);
end
$do$"""
