"""The operations of a revision, made idempotent."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from alembic.operations import MigrateOperation
from alembic.operations.ops import (
    AddColumnOp,
    CreateIndexOp,
    CreateTableOp,
    DropColumnOp,
    DropConstraintOp,
    DropIndexOp,
    DropTableOp,
    MigrationScript,
    ModifyTableOps,
    OpContainer,
)
from alembic.runtime.migration import MigrationContext

from townhall.base.people import without_declaration
from townhall.migrate.operations.definitions import DropDefinedTableOp
from townhall.migrate.operations.hooks import is_of_hook
from townhall.migrate.operations.table_names import table_of
from townhall.pg import DropEntityOp, Function
from townhall.pg.catalog import TableName


def finish_revision(
    context: MigrationContext, revision: object, directives: list[MigrationScript]
) -> None:
    """Make a revision idempotent, and its downgrade short.

    Alembic calls this (``process_revision_directives``) with the revision it is about to write.
    """
    del context, revision
    for script in directives:
        for container in [*script.upgrade_ops_list, *script.downgrade_ops_list]:
            container.ops[:] = _without_nesting(container.ops)
            for operation in flat(container):
                for each in (operation, *getattr(operation, "steps", ())):
                    _make_idempotent(each)
                    _leave_out_declarations(each)
        for downgrade in script.downgrade_ops_list:
            _omit_drops_with_tables(downgrade, dropped_tables(flat(downgrade)))


def _without_nesting(operations: Iterable[MigrateOperation]) -> Iterable[MigrateOperation]:
    # The reverse of one operation may be several, which it nests. Other containers are kept, such
    # as that of a live table, which have a rendering of their own.
    for operation in operations:
        if isinstance(operation, ModifyTableOps):
            yield from _without_nesting(operation.ops)
        else:
            yield operation


def _omit_drops_with_tables(downgrade: OpContainer, tables: set[tuple[str, str]]) -> None:
    # Its privileges and indexes go with a table. Whether its policies and triggers can is tried:
    # they may hold functions that go as well, and so may an index, where one goes before the table.
    kept: list[MigrateOperation] = []
    indexes_of: set[tuple[str, ...]] = set()
    for operation in reversed(downgrade.ops):
        if isinstance(operation, DropTableOp):
            indexes_of |= dropped_tables([operation])
        elif isinstance(operation, DropEntityOp) and isinstance(operation.target, Function):
            indexes_of.clear()
        going = indexes_of if isinstance(operation, DropIndexOp) else tables
        if _table_of(operation) not in going:
            kept.append(operation)
    downgrade.ops[:] = reversed(kept)


def _table_of(operation: MigrateOperation) -> tuple[str, ...] | None:
    if isinstance(operation, DropEntityOp) and not operation.target.is_own_object:
        return operation.target.name_parts
    if isinstance(operation, DropIndexOp) and operation.table_name:
        return table_of(operation)
    return None


def _make_idempotent(operation: MigrateOperation) -> None:
    if is_of_hook(operation):
        return
    if isinstance(operation, CreateTableOp | CreateIndexOp | AddColumnOp):
        operation.if_not_exists = True
    elif isinstance(operation, DropTableOp | DropIndexOp | DropColumnOp | DropConstraintOp):
        operation.if_exists = True


def _leave_out_declarations(operation: MigrateOperation) -> None:
    # Alembic writes the info of a new table into the revision, which must not depend on its values.
    if isinstance(operation, CreateTableOp):
        info = without_declaration(operation.info or {})
        operation.info = {name: value for name, value in info.items() if _is_literal((name, value))}


def _is_literal(value: object) -> bool:
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (SyntaxError, ValueError):
        return False


def flat(container: OpContainer) -> Iterable[MigrateOperation]:
    """Yield the operations of a container and of those in it."""
    for operation in container.ops:
        if isinstance(operation, OpContainer):
            yield from flat(operation)
        else:
            yield operation


def dropped_tables(operations: Iterable[MigrateOperation]) -> set[TableName]:
    """Return schema and name of the tables that operations drop, with their partitions."""
    drops = [each for each in operations if isinstance(each, DropTableOp)]
    partitions = (each.partitions for each in drops if isinstance(each, DropDefinedTableOp))
    return {*map(table_of, drops)}.union(*partitions)
