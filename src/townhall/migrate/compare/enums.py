"""How declared and actual enum types of columns differ.

Alembic creates an enum with a table but not with a column, and neither compares nor drops any.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from alembic.operations import MigrateOperation
from alembic.operations.ops import AlterColumnOp, DropColumnOp, DropTableOp
from alembic.util import CommandError
from sqlalchemy import Connection, Table

from townhall.migrate.compare.copies import native_enum
from townhall.migrate.operations.enums import AddValuesOp, CreateEnumOp, DropEnumOp, EnumType
from townhall.pg import catalog
from townhall.pg.catalog import PLATFORM_SCHEMAS

EnumName = tuple[str, str]


def with_enums(
    connection: Connection,
    operations: Sequence[MigrateOperation],
    tables: Iterable[Table],
    schemas: Sequence[str],
) -> list[MigrateOperation]:
    """Return operations on tables, with those on their enums before and after them.

    Args:
        connection: A connection to the database.
        operations: The operations on tables.
        tables: The declared tables.
        schemas: The schemas that are compared.

    Raises:
        CommandError: An enum has a value that is not declared, or another order.
    """
    declared = _declared(tables)
    actual = _actual(connection, {*schemas, *(schema for schema, _ in declared)})
    changes = [_change(enum, actual.get(name)) for name, enum in sorted(declared.items())]
    drops = [
        DropEnumOp(_enum(each))
        for name, each in sorted(actual.items())
        if name not in declared and _is_unused_after(operations, each)
    ]
    return [*(each for each in changes if each is not None), *operations, *drops]


def _is_unused_after(operations: Sequence[MigrateOperation], enum: catalog.Type) -> bool:
    freed = {name for operation in operations for name in _freed(operation)}
    uses = [{(use.schema, use.table), (use.schema, use.table, use.column)} for use in enum.columns]
    return bool(uses) and not enum.is_used_elsewhere and all(freed & each for each in uses)


def _actual(connection: Connection, schemas: Iterable[str]) -> Mapping[EnumName, catalog.Type]:
    with catalog.empty_search_path(connection):
        types = catalog.read_types(connection, sorted(schemas))
    return {(each.schema, each.name): each for each in types if each.kind == "enum"}


def _enum(actual: catalog.Type) -> EnumType:
    return EnumType(actual.schema, actual.name, actual.values)


def _freed(operation: MigrateOperation) -> Iterable[tuple[str, ...]]:
    if isinstance(operation, DropTableOp):
        yield (operation.schema or "public", operation.table_name)
    elif isinstance(operation, DropColumnOp) or (
        isinstance(operation, AlterColumnOp) and operation.modify_type is not None
    ):
        yield (operation.schema or "public", operation.table_name, operation.column_name)


def _declared(tables: Iterable[Table]) -> Mapping[EnumName, EnumType]:
    types = [native_enum(column.type) for table in tables for column in table.columns]
    enums = [
        EnumType(each.schema or "public", str(each.name), tuple(each.enums))
        for each in types
        if each is not None and each.schema not in PLATFORM_SCHEMAS
    ]
    return {(each.schema, each.name): each for each in enums}


def _change(declared: EnumType, actual: catalog.Type | None) -> CreateEnumOp | AddValuesOp | None:
    if actual is None:
        return CreateEnumOp(declared)
    if actual.values == declared.values:
        return None
    kept = tuple(value for value in declared.values if value in actual.values)
    if kept != actual.values:
        raise CommandError(
            f"the enum {declared.literal_name} has the values {', '.join(actual.values)};"
            f" declared: {', '.join(declared.values)}. PostgreSQL can neither remove nor move"
            " values of an enum. Write a revision that renames a value (alter type … rename value …"
            " to …), or one that recreates the type: rename it, create it, change its columns to it"
            " (alter table … alter column … type … using …) and drop the renamed type."
        )
    return AddValuesOp(_enum(actual), declared)
