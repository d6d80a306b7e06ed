"""Checks and defaults of new tables that call functions which read their table by way of a view."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from copy import copy
from typing import Any

from alembic.operations import MigrateOperation
from alembic.operations.ops import CreateTableOp
from sqlalchemy import CheckConstraint, Column
from sqlalchemy.schema import SchemaItem

from townhall.migrate.compare.columns import default_in_sql, type_in_sql
from townhall.migrate.compare.decisions import Refusal
from townhall.migrate.operations.columns import ChangeColumnOp, ColumnState
from townhall.migrate.operations.constraints import AddCheckOp
from townhall.pg import CreateEntityOp, Routine


def with_calls_apart(
    operations: Sequence[MigrateOperation], refusals: Sequence[Refusal]
) -> list[MigrateOperation] | None:
    """Return operations in which what calls a refused function is added after its table.

    PostgreSQL refuses both where neither can be created before the other.

    Args:
        operations: The operations on tables.
        refusals: What PostgreSQL refused.

    Returns:
        The operations, or None where no refused table calls a refused function.
    """
    refused = [each.operation for each in refusals]
    functions = {
        each.target.name.casefold()
        for each in refused
        if isinstance(each, CreateEntityOp) and isinstance(each.target, Routine)
    }
    changed: list[MigrateOperation] = []
    additions: list[MigrateOperation] = []
    for each in operations:
        if isinstance(each, CreateTableOp) and each in refused:
            table, later = _divided(each, functions)
            changed.append(table)
            additions += later
        else:
            changed.append(each)
    return [*changed, *additions] if additions else None


def _divided(
    creation: CreateTableOp, functions: Collection[str]
) -> tuple[CreateTableOp, Sequence[MigrateOperation]]:
    calling = [each for each in creation.columns if _calls(each, functions)]
    table = copy(creation)
    table.columns = [
        _without_default(each) if isinstance(each, Column) and _calls(each, functions) else each
        for each in creation.columns
        if isinstance(each, Column) or not _calls(each, functions)
    ]
    return table, [*_additions(creation, calling)]


def _calls(item: SchemaItem, functions: Collection[str]) -> bool:
    return any(name in _text(item).casefold() for name in functions)


def _text(item: SchemaItem) -> str:
    if isinstance(item, Column):
        return default_in_sql(item) or ""
    # The downgrade drops a check by its name.
    return str(item.sqltext) if isinstance(item, CheckConstraint) and item.name else ""


def _without_default(column: Column[Any]) -> Column[Any]:
    without = column._copy()  # noqa: SLF001 - as Alembic does
    without.server_default = None
    # A key of an integer without a default would be serial.
    without.autoincrement = False
    return without


def _additions(
    creation: CreateTableOp, calling: Iterable[SchemaItem]
) -> Iterable[MigrateOperation]:
    for each in calling:
        if isinstance(each, CheckConstraint):
            yield AddCheckOp.from_constraint(each)
        elif isinstance(each, Column):
            type_, _, collation = type_in_sql(each.type).partition(" collate ")
            former = ColumnState(type_, collation or None, None)
            target = ColumnState(type_, collation or None, _text(each))
            table = creation.to_table()
            yield ChangeColumnOp(table, each.name, former, target, is_other_type=False)
