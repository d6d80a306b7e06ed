"""Operations in words, for logs and messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from alembic.operations import MigrateOperation
from alembic.operations.ops import AlterColumnOp, OpContainer
from sqlalchemy import Column, Constraint, Index, Table


def describe(operation: MigrateOperation) -> str:
    """Return an operation in words: ``create_policy public events …``.

    Args:
        operation: Any operation.
    """
    if isinstance(operation, OpContainer):
        return "; ".join(map(describe, operation.ops))
    if isinstance(operation, AlterColumnOp):
        table = ".".join(filter(None, (operation.schema, operation.table_name)))
        return f"alter_column {table} {operation.column_name}"
    return " ".join(word for part in _diff(operation) for word in _words(part))


def _diff(operation: MigrateOperation) -> Sequence[Any]:
    try:
        return operation.to_diff_tuple()
    except NotImplementedError:  # Alembic's for an operation that is no difference, such as SQL
        return (type(operation).__name__,)


def _words(part: object) -> Iterable[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, Table):
        yield str(part)
    elif isinstance(part, Index | Constraint):
        table = getattr(part, "table", None)
        yield from (str(each) for each in (table, part.name) if each is not None)
    elif isinstance(part, Column):
        yield part.name
