"""Drops as they can be undone: by PostgreSQL's own definition of what is dropped."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import TypeGuard

from alembic.operations import MigrateOperation
from alembic.operations.ops import (
    AddColumnOp,
    CreateIndexOp,
    CreateTableOp,
    CreateUniqueConstraintOp,
    DropColumnOp,
    DropConstraintOp,
    DropIndexOp,
    DropTableOp,
)
from sqlalchemy import Column, Connection, Constraint, MetaData, Table

from townhall.migrate.operations.columns import ChangeColumnOp
from townhall.migrate.operations.constraints import AddCheckOp, AddDefinedOp, DropDefinedOp
from townhall.migrate.operations.definitions import (
    DropDefinedColumnOp,
    DropDefinedIndexOp,
    DropDefinedTableOp,
)
from townhall.migrate.operations.identities import AlterIdentityOp, SerialForIdentityOp
from townhall.migrate.operations.parts import WHY_DROPPED, DropPartOp
from townhall.migrate.operations.table_names import name_of, table_of
from townhall.pg import sql
from townhall.pg.catalog import TableName, Target, read_dependants
from townhall.pg.table_definition import TableDefinition, read_table_definitions

Definitions = Mapping[TableName, TableDefinition]
_PartOfTable = tuple[TableName, str]
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
    if not any(
        isinstance(each, _DROPS) or _is_of_other_type(each) or _drops_identity(each)
        for each in operations
    ):
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
    others = [
        _identity_coming_back(each, definitions) if _drops_identity(each) else each
        for each in operations
        if not isinstance(each, _DROPS)
    ]
    return [*drops, *_drops_of_tables(connection, tables, definitions), *others]


def not_repeated(
    operations: Iterable[MigrateOperation],
    earlier: Sequence[MigrateOperation],
    refused: Container[MigrateOperation | None],
) -> list[MigrateOperation]:
    """Return operations without those whose drop, addition or change comes earlier.

    What an earlier operation added may have gone with a function that it called, or was refused.

    Args:
        operations: The operations.
        earlier: The operations that run before them.
        refused: Those of them that did not run when the operations were found.
    """
    drops = (DropConstraintOp, DropIndexOp)
    dropped = {_part(each) for each in earlier if isinstance(each, drops)}
    changed = [
        _change(each) for each in earlier if isinstance(each, ChangeColumnOp) and each in refused
    ]
    new = [
        each
        for each in operations
        if not (isinstance(each, drops) and _part(each) in dropped)
        and not (isinstance(each, ChangeColumnOp) and _change(each) in changed)
    ]
    replaced = {_part(each) for each in new if isinstance(each, drops)}
    added = {part for each in earlier for part in _added(each)} - replaced
    return [each for each in new if added.isdisjoint(_added(each))]


def _change(operation: ChangeColumnOp) -> tuple[TableName, str, bool, bool]:
    # PostgreSQL may have another name for the type than SQLAlchemy. A change of the type alone does
    # not stand for one that sets a new default as well.
    has_default = operation.target.default is not None
    return table_of(operation), operation.column_name, operation.changes_type, has_default


def _added(operation: MigrateOperation) -> Iterable[_PartOfTable]:
    if isinstance(operation, CreateTableOp):
        table, constraints = table_of(operation), operation.columns
        yield from ((table, str(each.name)) for each in constraints if isinstance(each, Constraint))
    elif isinstance(operation, AddDefinedOp):
        yield name_of(operation.table), operation.constraint_name
    elif isinstance(operation, CreateIndexOp):
        yield table_of(operation), str(operation.index_name)
    elif isinstance(operation, CreateUniqueConstraintOp | AddCheckOp):
        yield table_of(operation), str(operation.constraint_name)


def columns_not_added(
    additions: Iterable[MigrateOperation], earlier: Iterable[MigrateOperation]
) -> list[MigrateOperation]:
    """Return additions of columns without those that come earlier, also with their table.

    Args:
        additions: The additions.
        earlier: The operations that run before them.
    """
    added = {each for operation in earlier for each in _columns(operation)}
    return [each for each in additions if added.isdisjoint(_columns(each))]


def _columns(operation: MigrateOperation) -> Iterable[_PartOfTable]:
    if isinstance(operation, CreateTableOp):
        columns = (each for each in operation.columns if isinstance(each, Column))
        yield from ((table_of(operation), each.name) for each in columns)
    elif isinstance(operation, AddColumnOp):
        yield table_of(operation), operation.column.name


def _is_of_other_type(operation: MigrateOperation) -> TypeGuard[ChangeColumnOp]:
    return isinstance(operation, ChangeColumnOp) and operation.is_other_type


def _drops_identity(
    operation: MigrateOperation,
) -> TypeGuard[AlterIdentityOp | SerialForIdentityOp]:
    if isinstance(operation, AlterIdentityOp):
        return not operation.target
    return isinstance(operation, SerialForIdentityOp)


def _identity_coming_back(
    operation: AlterIdentityOp | SerialForIdentityOp, definitions: Definitions
) -> MigrateOperation:
    definition, column = definitions.get(name_of(operation.table)), operation.column
    if definition is None:
        return operation
    settings = list(definition.identity_settings(column))
    return operation.coming_back(definition.identity(column), settings)


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
        column = definition.details.columns.get(operation.column_name)
        if column is not None and column.is_inherited:
            return  # it goes with that of the parent table
        if column is not None:
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
    # An exclusion constraint of expressions is of no column, and its index is not listed as one.
    exclusions = [name for name in column.indexes if name not in definition.table.indexes]
    for name in (*column.constraints, *exclusions):
        drop = _drop_of_constraint(definition, name)
        if (
            (table, name) not in names
            and drop is not None
            and is_dropped(definition.table.constraints[name].definition)
        ):
            names.add((table, name))
            yield drop
    for name in (each for each in column.indexes if each not in exclusions):
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
    statements = [*definition.create_index(name)]
    return DropDefinedIndexOp(operation, statements, is_whole=definition.has_whole_index(name))


def _drop_of_constraint(definition: TableDefinition, name: str) -> DropDefinedOp | None:
    constraint = definition.table.constraints.get(name)
    if constraint is None:
        return None
    schema = definition.table.schema
    table = Table(definition.table.name, MetaData(), schema=None if schema == "public" else schema)
    settings = [*definition.constraint_settings(name)]
    return DropDefinedOp(AddDefinedOp(table, name, constraint.definition, settings))


def _drops_of_tables(
    connection: Connection, drops: Mapping[TableName, DropTableOp], definitions: Definitions
) -> Iterable[MigrateOperation]:
    known = {name: definitions[name] for name in sorted(drops) if name in definitions}
    order, cut = _order(known)
    cut |= _calling_functions_of_rows(connection, known)
    yield from _drops_of_rules(connection, known)
    for table, part in sorted(cut):
        yield from _drops_apart(definitions[table], part)
    for name in order:
        definition = known[name].without(cut).without_rules()
        partitions = {each.place for each in definition.with_partitions} - {name}
        yield DropDefinedTableOp(drops[name], [*definition.create_statements()], partitions)
    yield from (drop for name, drop in drops.items() if name not in known)


def _drops_of_rules(connection: Connection, tables: Definitions) -> Iterable[DropPartOp]:
    # A rule may read and write other tables, which may refer to its own.
    targets = [Target(relation=each.name) for each in tables.values() if each.details.rules]
    on = tuple(f" on {each.relation}" for each in targets)
    for part in read_dependants(connection, targets).parts:
        if part.kind == "rule" and part.identity.endswith(on):
            yield DropPartOp(part, WHY_DROPPED)


def _drops_apart(definition: TableDefinition, part: str) -> Iterable[MigrateOperation]:
    table = definition.table
    if part in table.indexes:
        yield _drop_of_index(DropIndexOp(part, table.name, schema=table.schema), definition)
    elif drop := _drop_of_constraint(definition, part):
        yield drop


def _calling_functions_of_rows(connection: Connection, tables: Definitions) -> set[_PartOfTable]:
    # The function has the table's type, so neither can be dropped before the other.
    found = read_dependants(connection, [Target(type=each.name) for each in tables.values()])
    identities = {each.identity for each in found.parts}
    return {
        (name, part)
        for name, each in tables.items()
        if not each.partitions
        for part, identity in _parts(each)
        if identity in identities
    }


def _parts(definition: TableDefinition) -> Iterable[tuple[str, str]]:
    for name in definition.table.indexes:
        yield name, f"index {sql.quote(name)} on {definition.name}"
    for name, each in definition.table.constraints.items():
        if each.kind in {"check", "exclude"} and name not in definition.details.inherited:
            yield name, f"constraint {sql.quote(name)} on table {definition.name}"


def _order(tables: Definitions) -> tuple[list[TableName], set[_PartOfTable]]:
    # Which table to drop after which, and the foreign keys that no order of tables allows.
    # A partition, and what refers to it, goes with its table.
    whole = {each.name: name for name, table in tables.items() for each in table.with_partitions}
    references = {
        name: {
            (each.place, constraint): whole.get(target)
            for each in table.with_partitions
            for constraint, target in each.references.items()
        }
        for name, table in tables.items()
    }
    parents = {name: {*map(whole.get, each.details.parents)} for name, each in tables.items()}
    remaining, order = [*tables], list[TableName]()
    cut: set[_PartOfTable] = set()
    while remaining:
        referenced = Counter(
            other
            for name in remaining
            for other in ({*references[name].values()} | parents[name]) - {name}
        )
        of_others = {parent for name in remaining for parent in parents[name]}
        first = min(remaining, key=lambda each: (referenced[each] > 0, each in of_others, each))
        remaining.remove(first)
        order.append(first)
        cut |= {
            part
            for name in remaining
            for part, target in references[name].items()
            if target == first
        }
    return order, cut
