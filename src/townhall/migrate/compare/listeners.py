"""Tables and columns to which listeners of an application attach indexes.

GeoAlchemy2 gives each column of a geometry an index by an event of SQLAlchemy, which the table of
an operation of Alembic fires as well. The index of the declared table is an operation of its own.
"""

from __future__ import annotations

from copy import copy
from typing import Any

from alembic.operations import MigrateOperation
from alembic.operations.ops import AddColumnOp, CreateTableOp
from sqlalchemy import Column, MetaData, Table

from townhall.pg import ColumnType
from townhall.pg.dialect import named_dialect

_dialect = named_dialect()


def without_attached_indexes(operation: MigrateOperation) -> MigrateOperation:
    """Return an operation that creates no index with a table or a column.

    The columns have the types by the names that PostgreSQL has for them.

    Args:
        operation: The operation; any other is returned as it is.
    """
    if isinstance(operation, AddColumnOp):
        plain = _without_attached(operation.column)
        if plain is not operation.column:
            operation = copy(operation)
            operation.column = plain
    elif isinstance(operation, CreateTableOp):
        parts = [
            _without_attached(each) if isinstance(each, Column) else each
            for each in operation.columns
        ]
        if any(one is not other for one, other in zip(parts, operation.columns, strict=True)):
            operation = copy(operation)
            operation.columns = parts
    return operation


def _without_attached(column: Column[Any]) -> Column[Any]:
    if type(column.type).__module__.startswith("sqlalchemy."):  # nearly always
        return column
    plain: Column[Any] = column._copy()  # noqa: SLF001 - as Alembic does
    plain.index = plain.unique = None
    if not Table("probe", MetaData(), plain._copy()).indexes:  # noqa: SLF001
        return column
    plain.type = ColumnType(column.type.compile(dialect=_dialect))
    return plain
