"""Foreign keys that are created after what they refer to: the tables of a cycle, a changed key."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from alembic.operations import MigrateOperation
from alembic.operations.ops import (
    CreateForeignKeyOp,
    CreateIndexOp,
    CreateTableOp,
    CreateUniqueConstraintOp,
    DropConstraintOp,
    DropIndexOp,
)
from sqlalchemy import ForeignKeyConstraint

from townhall.migrate.compare.constraints import foreign_key_operation, without_foreign_keys
from townhall.migrate.operations.constraints import AddDefinedOp, RenameConstraintOp
from townhall.migrate.operations.table_names import table_of
from townhall.pg.catalog import TableName

References = Mapping[TableName, set[TableName]]


def with_cycles_apart(operations: Sequence[MigrateOperation]) -> list[MigrateOperation]:
    """Return operations in which no tables that are created refer to each other, or to a new key.

    The key of a table in use is made in a revision of its own.

    Args:
        operations: The operations on tables.
    """
    created = [each for each in operations if isinstance(each, CreateTableOp)]
    return [*operations, *_additions(created, {*_with_new_keys(operations)})]


def _with_new_keys(operations: Iterable[MigrateOperation]) -> Iterable[TableName]:
    for each in operations:
        if isinstance(each, CreateUniqueConstraintOp) or (
            isinstance(each, CreateIndexOp) and each.unique
        ):
            yield table_of(each)


def with_foreign_keys_last(operations: Sequence[MigrateOperation]) -> list[MigrateOperation]:
    """Return operations in which keys change before foreign keys can refer to them.

    Args:
        operations: The operations on tables, in the order to try.
    """
    if not drops_keys(operations, created_tables(operations)):
        return list(operations)
    last = [each for each in operations if refers_to_key(each)]
    return [*(each for each in operations if each not in last), *last]


def created_tables(operations: Iterable[MigrateOperation]) -> set[TableName]:
    """Return schema and name of the tables that operations create."""
    return {table_of(each) for each in operations if isinstance(each, CreateTableOp)}


def drops_keys(operations: Iterable[MigrateOperation], created: Collection[TableName]) -> bool:
    """Tell whether operations may drop a key that foreign keys refer to.

    Args:
        operations: The operations.
        created: The tables that are created: nothing else refers to a key of theirs.
    """
    return any(
        isinstance(each, DropConstraintOp | DropIndexOp) and table_of(each) not in created
        for each in operations
    )


def refers_to_key(operation: MigrateOperation) -> bool:
    """Tell whether an operation may give a foreign key, or its name, to a table."""
    if isinstance(operation, CreateTableOp):
        return any(isinstance(each, ForeignKeyConstraint) for each in operation.columns)
    if isinstance(operation, AddDefinedOp):
        return operation.definition.startswith("FOREIGN KEY")
    return isinstance(operation, CreateForeignKeyOp | RenameConstraintOp)


def _additions(
    creations: Iterable[CreateTableOp], with_new_keys: Collection[TableName]
) -> list[CreateForeignKeyOp]:
    keys = {
        table_of(operation): [
            each for each in operation.columns if isinstance(each, ForeignKeyConstraint)
        ]
        for operation in creations
    }
    references = {name: set(map(_referred, each)) for name, each in keys.items()}
    in_use = {*with_new_keys} - keys.keys()
    additions: list[CreateForeignKeyOp] = []
    for operation in creations:
        name = table_of(operation)
        apart = [
            key
            for key in keys[name]
            if _referred(key) in in_use or _is_of_cycle(name, _referred(key), references)
        ]
        operation.columns = without_foreign_keys(operation.columns, apart)
        additions += map(foreign_key_operation, apart)
    return additions


def _is_of_cycle(table: TableName, referred: TableName, references: References) -> bool:
    # A table can refer to itself.
    reached: set[TableName] = set()
    pending = {referred} - {table}
    while pending:
        reached |= pending
        pending = {each for name in pending for each in references.get(name, ())} - reached
    return table in reached


def _referred(key: ForeignKeyConstraint) -> TableName:
    *schema, table, _ = key.elements[0].target_fullname.split(".")
    return (schema[0] if schema else "public", table)
