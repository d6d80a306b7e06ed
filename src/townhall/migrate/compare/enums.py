"""Which enum types of columns differ, of which Alembic makes some and compares none.

Alembic makes one along with a table, not with a column, and drops none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alembic.operations import MigrateOperation
from alembic.operations.ops import AlterColumnOp, DropColumnOp, DropTableOp
from alembic.util import CommandError
from sqlalchemy import ARRAY, Connection, Enum, Table, TypeDecorator
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.types import TypeEngine

from townhall.migrate.compare.scope import PLATFORM_SCHEMAS
from townhall.migrate.operations.enums import AddValuesOp, CreateEnumOp, DropEnumOp, EnumType
from townhall.pg import catalog

_dialect = PGDialect()  # type: ignore[no-untyped-call] # SQLAlchemy's

EnumName = tuple[str, str]


def native_enum(type_: TypeEngine[Any]) -> Enum | None:
    """Return the enum of PostgreSQL's that a type is, or is an array of.

    Args:
        type_: The type of a column.
    """
    if isinstance(type_, TypeDecorator):
        return native_enum(type_.load_dialect_impl(_dialect))
    if isinstance(type_, ARRAY):
        return native_enum(type_.item_type)
    return type_ if isinstance(type_, Enum) and type_.native_enum else None


def with_enums(
    connection: Connection,
    operations: Sequence[MigrateOperation],
    tables: Iterable[Table],
    schemas: Sequence[str],
) -> list[MigrateOperation]:
    """Return operations with what their enums need, before and after them.

    Args:
        connection: A connection to the database.
        operations: What was found necessary of tables.
        tables: The declared tables.
        schemas: The schemas that are compared.

    Raises:
        CommandError: The values of an enum can't be made the declared ones.
    """
    declared = _declared(tables)
    actual = _actual(connection, {*schemas, *(schema for schema, _ in declared)})
    made = [_made(enum, actual.get(name)) for name, enum in sorted(declared.items())]
    unused = [
        DropEnumOp(_enum(each))
        for name, each in sorted(actual.items())
        if name not in declared and _unused(each, operations)
    ]
    return [*(each for each in made if each is not None), *operations, *unused]


def _unused(enum: catalog.Type, operations: Sequence[MigrateOperation]) -> bool:
    left = {place for operation in operations for place in _left(operation)}
    places = [
        {(use.schema, use.table), (use.schema, use.table, use.column)} for use in enum.columns
    ]
    return bool(places) and not enum.is_used_elsewhere and all(left & each for each in places)


def _actual(connection: Connection, schemas: Iterable[str]) -> Mapping[EnumName, catalog.Type]:
    with catalog.empty_search_path(connection):
        types = catalog.read_types(connection, sorted(schemas))
    return {(each.schema, each.name): each for each in types if each.kind == "enum"}


def _enum(actual: catalog.Type) -> EnumType:
    return EnumType(actual.schema, actual.name, actual.values)


def _left(operation: MigrateOperation) -> Iterable[tuple[str, ...]]:
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


def _made(declared: EnumType, actual: catalog.Type | None) -> CreateEnumOp | AddValuesOp | None:
    if actual is None:
        return CreateEnumOp(declared)
    if actual.values == declared.values:
        return None
    kept = tuple(value for value in declared.values if value in actual.values)
    if kept != actual.values:
        raise CommandError(
            f"the enum {declared.literal_name} has the values {', '.join(actual.values)}, and"
            f" declared are {', '.join(declared.values)}. PostgreSQL takes no value from an enum"
            " and moves none. Rename one in a revision of your own (alter type … rename value …"
            " to …), or make the type anew there: rename it, create it, change its columns to it"
            " (alter table … alter column … type … using …) and drop the renamed one."
        )
    return AddValuesOp(_enum(actual), declared)
