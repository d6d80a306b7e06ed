"""Drops as they can be undone: by PostgreSQL's own definition of what is dropped."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import TypeGuard

from alembic.operations import MigrateOperation
from alembic.operations.ops import (
    CreateIndexOp,
    CreateUniqueConstraintOp,
    DropColumnOp,
    DropConstraintOp,
    DropIndexOp,
    DropTableOp,
)
from sqlalchemy import Connection, MetaData, Table

from townhall.migrate.operations.columns import ChangeColumnOp
from townhall.migrate.operations.constraints import AddDefinedOp, DropDefinedOp
from townhall.migrate.operations.definitions import (
    DropDefinedColumnOp,
    DropDefinedIndexOp,
    DropDefinedTableOp,
)
from townhall.migrate.operations.table_names import name_of, table_of
from townhall.pg.catalog import TableName
from townhall.pg.table_definition import TableDefinition, read_table_definitions

Definitions = Mapping[TableName, TableDefinition]
DropOfPart = DropColumnOp | DropConstraintOp | DropIndexOp

_DROPS = (DropTableOp, DropColumnOp, DropConstraintOp, DropIndexOp)


def with_definitions(
    connection: Connection, operations: Sequence[MigrateOperation], schemas: Sequence[str]
) -> list[MigrateOperation]:
    """Return operations whose drops bring back what was there when they are reversed.

    Drops come first, so that a new object can have the name of a former one: those of parts, then
    those of tables, which refer to others before these, and the foreign keys of a cycle before its
    tables. What goes with a column is dropped before it.

    Args:
        connection: A connection within a transaction, to the database as it is.
        operations: The operations.
        schemas: The schemas that are compared.
    """
    if not any(isinstance(each, _DROPS) or _is_of_other_type(each) for each in operations):
        return list(operations)
    definitions = read_table_definitions(connection, schemas)
    tables = {table_of(each): each for each in operations if isinstance(each, DropTableOp)}
    names = {_part(each) for each in operations if isinstance(each, DropConstraintOp | DropIndexOp)}
    drops = [
        drop
        for operation in operations
        if (isinstance(operation, DropOfPart) and table_of(operation) not in tables)
        or _is_of_other_type(operation)
        for drop in _drop_of_part(operation, definitions, names)
    ]
    others = [operation for operation in operations if not isinstance(operation, _DROPS)]
    return [*drops, *_drops_of_tables(tables, definitions), *others]


def not_repeated(
    operations: Iterable[MigrateOperation],
    earlier: Sequence[MigrateOperation],
    refused: Container[MigrateOperation | None],
) -> list[MigrateOperation]:
    """Return operations without the drops and the changes of columns that come earlier.

    Args:
        operations: The operations.
        earlier: The operations that run before them.
        refused: Those of them that did not run when the operations were found, so that what they
            add is among these as well.
    """
    drops = (DropConstraintOp, DropIndexOp)
    dropped = {_part(each) for each in earlier if isinstance(each, drops)}
    adds = (CreateUniqueConstraintOp, CreateIndexOp, AddDefinedOp)
    added = {_added(each) for each in earlier if isinstance(each, adds) and each in refused}
    changed = [
        each.statements for each in earlier if isinstance(each, ChangeColumnOp) and each in refused
    ]
    return [
        each
        for each in operations
        if not (isinstance(each, drops) and _part(each) in dropped)
        and not (isinstance(each, adds) and _added(each) in added)
        and not (isinstance(each, ChangeColumnOp) and each.statements in changed)
    ]


def _added(
    operation: CreateUniqueConstraintOp | CreateIndexOp | AddDefinedOp,
) -> tuple[TableName, str]:
    if isinstance(operation, AddDefinedOp):
        return name_of(operation.table), operation.constraint_name
    if isinstance(operation, CreateIndexOp):
        return table_of(operation), str(operation.index_name)
    return table_of(operation), str(operation.constraint_name)


def _is_of_other_type(operation: MigrateOperation) -> TypeGuard[ChangeColumnOp]:
    return isinstance(operation, ChangeColumnOp) and operation.is_other_type


def _part(operation: DropConstraintOp | DropIndexOp) -> tuple[TableName, str]:
    if isinstance(operation, DropIndexOp):
        return table_of(operation), str(operation.index_name)
    return table_of(operation), str(operation.constraint_name)


def _drop_of_part(
    operation: DropOfPart | ChangeColumnOp,
    definitions: Definitions,
    names: set[tuple[TableName, str]],
) -> Iterable[MigrateOperation]:
    table = table_of(operation)
    definition = definitions.get(table)
    if isinstance(operation, ChangeColumnOp):
        # What compares the column with a constant of its type can't take another one.
        if definition is not None:
            yield from _drops_with_column(operation, definition, names, _is_expression)
    elif definition is None:
        yield operation
    elif isinstance(operation, DropColumnOp):
        if operation.column_name in definition.table.columns:
            yield from _drops_with_column(operation, definition, names, lambda _: True)
            statements = [*definition.add_column(operation.column_name)]
            yield DropDefinedColumnOp(operation, statements)
        else:
            yield operation
    elif isinstance(operation, DropIndexOp):
        yield _drop_of_index(operation, definition)
    else:
        yield _drop_of_constraint(definition, str(operation.constraint_name)) or operation


def _drops_with_column(
    operation: DropColumnOp | ChangeColumnOp,
    definition: TableDefinition,
    names: set[tuple[TableName, str]],
    is_dropped: Callable[[str], bool],
) -> Iterable[MigrateOperation]:
    table = table_of(operation)
    column = definition.details.columns[operation.column_name]
    for name in column.constraints:
        drop = _drop_of_constraint(definition, name)
        if (
            (table, name) not in names
            and drop is not None
            and is_dropped(definition.table.constraints[name].definition)
        ):
            names.add((table, name))
            yield drop
    for name in column.indexes:
        if (table, name) not in names and is_dropped(definition.table.indexes[name].definition):
            names.add((table, name))
            index = DropIndexOp(name, operation.table_name, schema=operation.schema)
            yield _drop_of_index(index, definition)


def _is_expression(definition: str) -> bool:
    return definition.startswith("CHECK ") or re.search(r" WHERE |\(\(", definition) is not None


def _drop_of_index(operation: DropIndexOp, definition: TableDefinition) -> DropIndexOp:
    name = str(operation.index_name)
    if name not in definition.table.indexes:
        return operation
    return DropDefinedIndexOp(operation, [*definition.create_index(name)])


def _drop_of_constraint(definition: TableDefinition, name: str) -> DropDefinedOp | None:
    constraint = definition.table.constraints.get(name)
    if constraint is None:
        return None
    schema = definition.table.schema
    table = Table(definition.table.name, MetaData(), schema=None if schema == "public" else schema)
    settings = [*definition.constraint_settings(name)]
    return DropDefinedOp(AddDefinedOp(table, name, constraint.definition, settings))


def _drops_of_tables(
    drops: Mapping[TableName, DropTableOp], definitions: Definitions
) -> Iterable[MigrateOperation]:
    known = {name: definitions[name] for name in sorted(drops) if name in definitions}
    order, cut = _order(known)
    for name, constraint in sorted(cut):
        drop = _drop_of_constraint(known[name], constraint)
        if drop is not None:
            yield drop
    for name in order:
        later = [constraint for table, constraint in cut if table == name]
        yield DropDefinedTableOp(drops[name], [*known[name].create_statements(later)])
    yield from (drop for name, drop in drops.items() if name not in known)


def _order(tables: Definitions) -> tuple[list[TableName], set[tuple[TableName, str]]]:
    # Which table to drop after which, and the foreign keys that no order of tables allows.
    remaining, order = dict(tables), list[TableName]()
    cut: set[tuple[TableName, str]] = set()
    while remaining:
        referenced = Counter(
            other
            for table in remaining.values()
            for other in {*table.references.values(), *table.details.parents} - {table.name}
        )
        parents = {parent for table in remaining.values() for parent in table.details.parents}
        name = min(
            remaining,
            key=lambda each: (
                referenced[remaining[each].name] > 0,
                remaining[each].name in parents,
                each,
            ),
        )
        table = remaining.pop(name)
        order.append(name)
        cut |= {
            (other, constraint)
            for other, definition in remaining.items()
            for constraint, target in definition.references.items()
            if target == table.name
        }
    return order, cut
