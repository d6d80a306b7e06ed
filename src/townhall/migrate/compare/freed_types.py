"""Types that are created again or altered once the columns that have them are gone.

What is new has such a type as it is declared, so it waits until the type has changed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from alembic.operations import MigrateOperation
from alembic.operations.ops import AddColumnOp, CreateTableOp, DropColumnOp, DropTableOp
from sqlalchemy import Column

from townhall.migrate.compare.columns import type_in_sql
from townhall.migrate.operations.alterations import AlterEntityOp
from townhall.migrate.operations.columns import ChangeColumnOp
from townhall.pg import AlterableEntity, CreateEntityOp, DataType, DropEntityOp, Entity


def frees_type(operation: MigrateOperation, types: Collection[AlterableEntity]) -> bool:
    """Tell whether an operation takes a type away from a column, and gives it none of some types.

    Args:
        operation: An operation on tables.
        types: The declared types.
    """
    if isinstance(operation, ChangeColumnOp):
        return operation.changes_type and not any(_has_type(operation, each) for each in types)
    return isinstance(operation, DropColumnOp | DropTableOp)


def has_former_type(step: MigrateOperation, refused: Iterable[MigrateOperation]) -> bool:
    """Tell whether what a step makes would have a type that could not be dropped or altered yet.

    Args:
        step: The step.
        refused: The steps before it that were refused.
    """
    return any(
        isinstance(each, AlterEntityOp | DropEntityOp)
        and isinstance(each.target, DataType)
        and _has_type(step, each.target)
        for each in refused
    )


def _has_type(operation: MigrateOperation, type_: Entity) -> bool:
    name = re.escape(type_.name_parts[-1].replace('"', '""'))
    whole = re.compile(rf'(?<![\w$]){name}(?![\w$]|"?\.)')
    return any(whole.search(text) for text in _types(operation))


def _types(operation: MigrateOperation) -> Iterable[str]:
    match operation:
        case CreateTableOp():
            columns = [each for each in operation.columns if isinstance(each, Column)]
            return [type_in_sql(each.type) for each in columns]
        case AddColumnOp():
            return [type_in_sql(operation.column.type)]
        case ChangeColumnOp():
            return [operation.target.type]
        case CreateEntityOp() if isinstance(operation.target, DataType):
            return operation.target.create_statements()
        case _:
            return ()
