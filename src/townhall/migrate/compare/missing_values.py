"""New columns that are not null and have no default, in tables that have rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TypeGuard

from alembic.operations import MigrateOperation
from alembic.operations.ops import AddColumnOp
from sqlalchemy import Column, Connection, text
from sqlalchemy.dialects.postgresql import DOMAIN

from townhall.migrate.compare.columns import type_in_sql
from townhall.migrate.operations.table_names import table_of
from townhall.migrate.savepoints import run_script
from townhall.pg import ColumnType, sql
from townhall.pg.catalog import TableName
from townhall.pg.column_type import SERIAL_TYPES


def tables_with_rows(
    connection: Connection, operations: Iterable[MigrateOperation]
) -> frozenset[TableName]:
    """Return the tables that have rows and get a column for which these would have no value.

    No row is read: a table that has a page counts as one with rows.

    Args:
        connection: A connection within a transaction, before rows are set aside.
        operations: The operations.
    """
    tables = {table_of(each) for each in operations if _needs_value(each)}
    names = [[sql.qualified(*table), *table] for table in sorted(tables)]
    if not names:
        return frozenset()
    found = connection.execute(text(_WITH_ROWS), {"names": [name for name, *_ in names]})
    with_rows = {*found.scalars()}
    return frozenset((schema, table) for name, schema, table in names if name in with_rows)


def refuse_without_value(
    connection: Connection, operation: MigrateOperation, with_rows: Collection[TableName]
) -> None:
    """Refuse an operation as PostgreSQL will, since the trial has set the rows aside.

    Args:
        connection: A connection within a transaction.
        operation: The operation that is going to run.
        with_rows: What :func:`tables_with_rows` returned.

    Raises:
        DBAPIError: It adds a column for which rows have no value.
    """
    if with_rows and _needs_value(operation) and table_of(operation) in with_rows:
        message = (
            f"column {_quoted(operation.column.name)} of relation"
            f" {_quoted(operation.table_name)} contains null values"
        )
        body = f"begin raise not_null_violation using message = {sql.literal(message)}; end"
        run_script(connection, [sql.do(body)])


def _needs_value(operation: MigrateOperation) -> TypeGuard[AddColumnOp]:
    return isinstance(operation, AddColumnOp) and _has_no_value(operation.column)


def _has_no_value(column: Column[object]) -> bool:
    # A domain may have a default, and so may a type that is known by its name alone.
    return (
        not (column.nullable or column.primary_key)
        and column.server_default is None
        and column.identity is None
        and not isinstance(column.type, DOMAIN | ColumnType)
        and type_in_sql(column.type) not in SERIAL_TYPES
    )


def _quoted(name: str) -> str:
    return f'"{name}"'


_WITH_ROWS = """
    select name
    from unnest(cast(:names as text[])) as name
    where pg_catalog.pg_relation_size(to_regclass(name)) > 0
        or exists (
            select
            from pg_catalog.pg_partition_tree(to_regclass(name)) as t
            where t.isleaf and pg_catalog.pg_relation_size(t.relid) > 0
        )
"""
