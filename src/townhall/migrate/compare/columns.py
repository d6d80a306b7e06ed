"""Changes of columns as PostgreSQL needs them: with casts, and defaults set around them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any

from alembic.operations import MigrateOperation
from alembic.operations.ops import AddColumnOp, AlterColumnOp
from sqlalchemy import Column, Connection, DefaultClause, Table, text
from sqlalchemy.dialects.postgresql.base import PGDDLCompiler
from sqlalchemy.types import TypeEngine

from townhall.migrate.operations.columns import ChangeColumnOp, ColumnState
from townhall.migrate.operations.table_names import name_of, table_of
from townhall.migrate.savepoints import attempt, rolled_back, run_script
from townhall.pg import catalog, sql
from townhall.pg.catalog.casts import Cast, read_casts
from townhall.pg.column_type import SERIAL_TYPES, ColumnType
from townhall.pg.dialect import named_dialect

_TYPES_OF_SEQUENCES = {"smallint", "integer", "bigint"}
_dialect = named_dialect()
_compiler = PGDDLCompiler(_dialect, None)  # type: ignore[arg-type] # nothing to compile
_CAPITALS = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[A-Z]+""")


def with_column_changes(
    connection: Connection,
    operations: Sequence[MigrateOperation],
    tables: Iterable[Table],
    schemas: Sequence[str],
) -> list[MigrateOperation]:
    """Return operations whose changes of a column's type can be made, and reversed.

    Args:
        connection: A connection within a transaction, to the database as it is.
        operations: The operations of Alembic's comparison.
        tables: The declared tables.
        schemas: The schemas that are compared.
    """
    if not any(isinstance(operation, AlterColumnOp) for operation in operations):
        return list(operations)
    declared = {name_of(table): table for table in tables}
    with catalog.empty_search_path(connection):
        actual = {
            (each.schema, each.name): each for each in catalog.read_tables(connection, schemas)
        }
    changed: list[MigrateOperation] = []
    for operation in operations:
        if not isinstance(operation, AlterColumnOp):
            changed.append(operation)
            continue
        name = table_of(operation)
        column = actual[name].columns[operation.column_name]
        if operation.modify_type is not None and not _is_serial(operation.modify_type, column):
            change = _change_of_type(connection, declared[name], operation, column)
            if not _is_written_otherwise(connection, change):
                changed.append(change)
        changed += _other_changes(operation, column)
    return _with_types_first(changed)


def _with_types_first(operations: Sequence[MigrateOperation]) -> list[MigrateOperation]:
    # A new column may be generated from the one that changes.
    additions = [each for each in operations if isinstance(each, AddColumnOp)]
    if not additions:
        return list(operations)
    start = operations.index(additions[0])
    later = operations[start:]
    types = [each for each in later if isinstance(each, ChangeColumnOp)]
    return [*operations[:start], *types, *(each for each in later if each not in types)]


def change_of_column(
    connection: Connection, table: Table, previous: catalog.Column, target: catalog.Column
) -> ChangeColumnOp:
    """Return what changes a column's type, collation and default.

    Args:
        connection: A connection to the database.
        table: The declared table.
        previous: The column as it is.
        target: The column as PostgreSQL describes the declared one.
    """
    there, back = read_casts(
        connection, [(previous.type, target.type), (target.type, previous.type)]
    )
    name = sql.quote(previous.name)
    return ChangeColumnOp(
        table,
        previous.name,
        ColumnState(
            previous.type,
            previous.collation,
            previous.default,
            _using_back(name, previous.type, back),
        ),
        ColumnState(
            target.type, target.collation, target.default, _using(name, target.type, there)
        ),
        is_other_type=not there.is_same,
        sequence=previous.sequence if _is_serial_in_both(previous, target) else None,
    )


def _is_serial_in_both(previous: catalog.Column, target: catalog.Column) -> bool:
    # A sequence that was given another type than its column is compared by itself.
    has_its_type = f"as {previous.type}" in previous.sequence_options
    return (
        has_its_type and previous.default == target.default and target.type in _TYPES_OF_SEQUENCES
    )


def type_in_sql(type_: TypeEngine[Any]) -> str:
    """Return a declared type as SQL names it, in lower case outside of quotes.

    Args:
        type_: The type of a column.
    """
    return _CAPITALS.sub(
        lambda match: match[0] if match[0][0] in "'\"" else match[0].lower(),
        type_.compile(dialect=_dialect),
    )


def _is_serial(type_: TypeEngine[Any], actual: catalog.Column) -> bool:
    # "serial" is an integer with a sequence of its own, and no type.
    base = SERIAL_TYPES.get(type_in_sql(type_))
    return base == actual.type and actual.sequence is not None


def _change_of_type(
    connection: Connection, table: Table, operation: AlterColumnOp, actual: catalog.Column
) -> ChangeColumnOp:
    assert operation.modify_type is not None  # noqa: S101 - the caller said so
    column = next(each for each in table.columns if each.name == operation.column_name)
    # A default that was not there is left to the comparison of defaults.
    default = None if actual.default is None else default_in_sql(column)
    if actual.sequence and column is table.autoincrement_column and column.server_default is None:
        default = actual.default  # a serial column keeps its sequence
    type_, _, collation = type_in_sql(operation.modify_type).partition(" collate ")
    target = actual._replace(type=type_, collation=collation or None, default=default)
    return change_of_column(connection, table, actual, target)


def _is_written_otherwise(connection: Connection, change: ChangeColumnOp) -> bool:
    """Tell whether a column has its declared type already, which PostgreSQL names otherwise.

    ``float(24)`` is ``real``.
    """
    named: list[str] = []
    before, after = change.previous, change.target

    def read() -> None:
        run_script(connection, [f"create temporary table {_TYPED} (value {after.type})"])
        named.append(str(connection.scalar(text(_NAME_OF_TYPE))))

    with rolled_back(connection):
        # A type that is new does not exist yet.
        attempt(connection, read)
    return named == [before.type] and (before.collation, before.default) == (
        after.collation,
        after.default,
    )


_TYPED = "townhall_typed"
_NAME_OF_TYPE = f"""
    select pg_catalog.format_type(a.atttypid, a.atttypmod)
    from pg_catalog.pg_attribute as a
    where a.attrelid = 'pg_temp.{_TYPED}'::regclass and a.attnum = 1
"""


def default_in_sql(column: Column[Any]) -> str | None:
    """Return the declared default of a column as SQL, or None without one.

    Args:
        column: A declared column.
    """
    # FetchedValue only says that the database computes the value.
    if isinstance(column.server_default, DefaultClause):
        return _compiler.get_column_default_string(column)
    return None


def _other_changes(operation: AlterColumnOp, actual: catalog.Column) -> Iterable[AlterColumnOp]:
    operation.modify_type = None
    # What SQLAlchemy knows no type for has PostgreSQL's.
    operation.existing_type = ColumnType(actual.type)
    # Each is an operation of its own, since NOT NULL takes several steps on a table in use.
    if operation.modify_comment is not False:
        comment = copy(operation)
        comment.modify_nullable = None
        yield comment
    if operation.modify_nullable is not None:
        operation.modify_comment = False
        yield operation


def _using(name: str, type_: str, cast: Cast) -> str | None:
    # From text to anything but an enum, values may not convert: the author decides about them.
    if cast.is_by_assignment or not (cast.is_explicit or cast.is_to_enum):
        return None
    return _conversion(name, type_, cast)


def _using_back(name: str, type_: str, cast: Cast) -> str | None:
    return None if cast.is_by_assignment else _conversion(name, type_, cast)


def _conversion(name: str, type_: str, cast: Cast) -> str:
    if cast.is_explicit or cast.is_from_text:
        return f"{name}::{type_}"
    as_text = "text[]" if type_.endswith("[]") else "text"
    return f"{name}::{as_text}::{type_}"
