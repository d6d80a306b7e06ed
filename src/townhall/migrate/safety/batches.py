"""Updating the rows of a table in use, a batch in a transaction."""

from __future__ import annotations

from alembic import op
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from townhall.migrate.contexts import connection_of
from townhall.migrate.origins import committed_apart
from townhall.pg import sql

_PAGES = 100
"""How many pages of a table, of 8 kB each, a batch reads."""

_PASSES = 3
"""How often a table is read: a row may move behind the reader while it is updated by others."""


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
    target = f"{sql.qualified(schema, table)} as t"
    update = f"update {target}\nset {sql.layout(assignments)}"
    context = op.get_context()
    if context.as_sql:
        context.execute(sql.statement(f"{update}\nwhere {where}"))
        return
    connection = connection_of(context)
    # A statement of its own locks the rows, so that the update reads from other tables what was
    # committed until the locks were granted.
    lock = f"select t.id from {target} %s order by t.id limit {size} for no key update"
    changes = text(f"{sql.statement(update).text} where t.id = any (:batch) and ({where})")
    with committed_apart(context):
        pass
    batch = connection.scalars(text(lock.replace("%s", ""))).all()
    while batch:
        connection.execute(changes, {"batch": batch})
        _commit(context)
        after = text(lock.replace("%s", "where t.id > :last"))
        batch = connection.scalars(after, {"last": batch[-1]}).all()


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
    connection = connection_of(context)
    tables = connection.scalars(text(_WITH_ROWS), {"table": target}).all()
    with committed_apart(context):
        pass
    for each in tables:
        for _ in range(_PASSES):
            if not _fill(context, connection, each, name):
                break


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
    # Of a run's own only the rows of a batch are left to commit; a trial commits nothing.
    with type(context).autocommit_block(context):
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
