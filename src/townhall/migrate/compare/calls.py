"""Parts of new tables that call functions which read their table by way of a view."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from copy import copy
from typing import Any, TypeGuard

from alembic.operations import MigrateOperation
from alembic.operations.ops import AddColumnOp, CreateTableOp
from sqlalchemy import CheckConstraint, Column
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.dialects.postgresql.base import PGDDLCompiler
from sqlalchemy.schema import ColumnCollectionConstraint, SchemaItem

from townhall.migrate.compare.columns import default_in_sql, type_in_sql
from townhall.migrate.compare.decisions import Refusal
from townhall.migrate.operations.columns import ChangeColumnOp, ColumnState
from townhall.migrate.operations.constraints import AddCheckOp
from townhall.pg import CreateEntityOp, Routine
from townhall.pg.dialect import named_dialect

_compiler = PGDDLCompiler(named_dialect(), None)  # type: ignore[arg-type] # nothing to compile


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
            calling = [part for part in each.columns if _is_apart(part, each, functions)]
            additions += _additions(each, calling)
            changed.append(_without(each, calling) if calling else each)
        else:
            changed.append(each)
    return None if changed == [*operations] else [*changed, *additions]


def _without(creation: CreateTableOp, calling: Sequence[SchemaItem]) -> CreateTableOp:
    table = copy(creation)
    # Columns are compared by SQL.
    apart = {*map(id, calling)}
    table.columns = [
        _without_default(each) if isinstance(each, Column) and id(each) in apart else each
        for each in creation.columns
        if id(each) not in apart or (isinstance(each, Column) and not _is_generated(each))
    ]
    return table


def _is_generated(item: SchemaItem) -> TypeGuard[Column[Any]]:
    return isinstance(item, Column) and item.computed is not None


def _is_apart(item: SchemaItem, creation: CreateTableOp, functions: Collection[str]) -> bool:
    # What a constraint is on stays in the table.
    return _calls(item, functions) and not (
        _is_generated(item) and any(_is_on(each, item.name) for each in creation.columns)
    )


def _is_on(item: SchemaItem, column: str) -> bool:
    if isinstance(item, CheckConstraint):
        return re.search(rf"\b{re.escape(column)}\b", str(item.sqltext)) is not None
    return isinstance(item, ColumnCollectionConstraint) and any(
        each.name == column for each in item.columns
    )


def _calls(item: SchemaItem, functions: Collection[str]) -> bool:
    text = _text(item).casefold()
    return any(name in text for name in functions)


def _text(item: SchemaItem) -> str:
    if _is_generated(item):
        return str(item.computed.sqltext) if item.computed else ""
    if isinstance(item, Column):
        return default_in_sql(item) or ""
    if isinstance(item, CheckConstraint):
        return str(item.sqltext)
    return str(_compiler.process(item)) if isinstance(item, ExcludeConstraint) else ""


def _without_default(column: Column[Any]) -> Column[Any]:
    without = column._copy()  # noqa: SLF001 - as Alembic does
    without.server_default = None
    # A key of an integer without a default would be serial.
    without.autoincrement = False
    return without


def _additions(
    creation: CreateTableOp, calling: Iterable[SchemaItem]
) -> Iterable[MigrateOperation]:
    # The comparison of tables adds exclusions, and checks without a name under PostgreSQL's, by
    # which the downgrade drops them.
    for each in calling:
        if isinstance(each, CheckConstraint) and each.name:
            yield AddCheckOp.from_constraint(each)
        elif _is_generated(each):
            yield AddColumnOp(creation.table_name, each, schema=creation.schema)
        elif isinstance(each, Column):
            type_, _, collation = type_in_sql(each.type).partition(" collate ")
            former = ColumnState(type_, collation or None, None)
            target = ColumnState(type_, collation or None, _text(each))
            table = creation.to_table()
            yield ChangeColumnOp(table, each.name, former, target, is_other_type=False)
