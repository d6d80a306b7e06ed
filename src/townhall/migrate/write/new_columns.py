"""Columns that PostgreSQL would write the whole table anew for, added in steps or with a comment.

Without a default a column is added at once. Then the default is set for new rows; the rows that
are there get it in batches, in the revision that commits on its way; and then it is not null.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from alembic.operations import MigrateOperation
from alembic.operations.ops import AddColumnOp, AddConstraintOp, AlterColumnOp
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, MetaData, Table
from sqlalchemy.dialects.postgresql.base import PGDDLCompiler

from townhall.migrate.compare.columns import default_in_sql, type_in_sql
from townhall.migrate.contexts import connection_of
from townhall.migrate.operations.columns import (
    AddSerialOp,
    ChangeColumnOp,
    ColumnState,
    FillColumnOp,
)
from townhall.migrate.operations.constraints import AddDefinedOp
from townhall.migrate.operations.definitions import BringBackOp
from townhall.migrate.operations.identities import AlterIdentityOp
from townhall.migrate.operations.live import NotedOp, SafeOp
from townhall.migrate.operations.table_names import name_of, table_of
from townhall.migrate.savepoints import attempt, rolled_back
from townhall.migrate.write.python_source import quoted
from townhall.migrate.write.safe_calls import set_not_null
from townhall.migrate.write.table_parts import DIALECT, definition_of, place_of, schema_argument
from townhall.pg import ColumnType, sql
from townhall.pg.catalog import TableName
from townhall.pg.column_type import SERIAL_TYPES

Operations = Sequence[MigrateOperation]

_WHY = (
    "PostgreSQL writes the whole table anew for this column: reads and writes of the table wait"
    " for as long."
)
_WHY_EXCLUDED = (
    "PostgreSQL can't build an exclusion constraint concurrently: reads and writes of the table"
    " wait until it is built."
)
_GENERATED = re.compile(r" generated always as \(", re.IGNORECASE)
_STORED = (" STORED", " STORED NOT NULL")
_ADDITION = " add column if not exists "
_compiler = PGDDLCompiler(DIALECT, None)  # type: ignore[arg-type] # nothing to compile


class Steps(NamedTuple):
    """Operations, of which those that commit on their way are apart.

    Attributes:
        others: What stays where it was.
        filling: What comes after, in the revision that commits on its way.
    """

    others: Operations
    filling: Operations


def with_columns_in_steps(
    context: MigrationContext,
    operations: Operations,
    whole: Collection[TableName],
) -> Steps:
    """Return operations whose additions of columns write no table anew, where that is possible.

    What blocks a table, because there is no other way, has a comment that says so.

    Args:
        context: The context of the run; its connection is within a transaction.
        operations: The operations of one direction.
        whole: Tables that are created or dropped, which are not in use.
    """
    steps = [
        Steps([each], ()) if place_of(each) in whole else _steps(context, each)
        for each in operations
    ]
    return Steps(
        [each for step in steps for each in step.others],
        [each for step in steps for each in step.filling],
    )


def _steps(context: MigrationContext, operation: MigrateOperation) -> Steps:
    if isinstance(operation, AddConstraintOp | AddDefinedOp):
        _, definition = definition_of(context, operation)
        is_exclusion = definition.startswith("EXCLUDE")
        return Steps([NotedOp(operation, _WHY_EXCLUDED) if is_exclusion else operation], ())
    if isinstance(operation, BringBackOp):
        _, _, definition = operation.statements[0].partition(_ADDITION)
        if definition and _rewrites(context, definition):
            return Steps([NotedOp(operation, _WHY)], ())
    if isinstance(operation, AddColumnOp):
        if not _rewrites(context, _definition(operation.column)):
            return Steps([operation], ())
        if operation.column.computed is not None or _rewrites(
            context, _definition(_plain(operation.column))
        ):
            return Steps([NotedOp(operation, _WHY)], ())
        return _in_steps(operation)
    return Steps([operation], ())


def _rewrites(context: MigrationContext, definition: str) -> bool:
    if _GENERATED.search(definition):
        return definition.upper().endswith(_STORED)
    connection = connection_of(context)
    file = "select pg_catalog.pg_relation_filenode('pg_temp.townhall_probe')"
    files: list[Any] = []

    def add() -> None:
        connection.exec_driver_sql("create temporary table townhall_probe ()")
        files.append(connection.exec_driver_sql(file).scalar())
        add_column = f"alter table pg_temp.townhall_probe add column {definition}"
        connection.exec_driver_sql(add_column, execution_options={"no_parameters": True})
        files.append(connection.exec_driver_sql(file).scalar())

    with rolled_back(connection):
        if attempt(connection, add) is None:
            return bool(files[0] != files[1])
    # It uses what the revision creates: only the value of a function can differ from row to row.
    return "(" in definition.partition(" DEFAULT ")[2]


def _definition(column: Column[Any]) -> str:
    return str(_compiler.get_column_specification(column))  # type: ignore[no-untyped-call] # SQLAlchemy's


def _plain(column: Column[Any]) -> Column[Any]:
    type_ = column.type
    if isinstance(type_, ColumnType) and type_.name in SERIAL_TYPES:
        type_ = ColumnType(SERIAL_TYPES[type_.name])
    return Column(column.name, type_, nullable=True, comment=column.comment)


def _in_steps(operation: AddColumnOp) -> Steps:
    place = table_of(operation)
    table = Table(operation.table_name, MetaData(), schema=operation.schema)
    column, plain = operation.column, _plain(operation.column)
    names = f"{quoted(place[1])}, {quoted(column.name)}"
    fill = SafeOp(
        FillColumnOp(table, column.name), f"safety.fill_column({names}{schema_argument(place)})"
    )
    add = AddColumnOp(operation.table_name, plain, schema=operation.schema, if_not_exists=True)
    return Steps(
        [add, _default(table, column, plain)],
        [fill, *_not_null(operation, place), *_identity(table, column, place)],
    )


def _default(table: Table, column: Column[Any], plain: Column[Any]) -> MigrateOperation:
    type_ = type_in_sql(plain.type)
    if (default := default_in_sql(column)) is not None:
        before, after = ColumnState(type_, None, None), ColumnState(type_, None, default)
        return ChangeColumnOp(table, column.name, before, after, is_other_type=False)
    name = sql.generated_name(table.name, [column.name], "seq")
    sequence = sql.qualified(table.schema or "public", name)
    if column.identity is None:
        return AddSerialOp(table, column.name, sequence, None, type_=type_)
    options = _compiler.get_identity_options(column.identity).lower()
    add = AddSerialOp(table, column.name, sequence, None, options, type_=type_)
    names = f"{quoted(table.name)}, {quoted(column.name)}, {quoted(options)}"
    return SafeOp(add, f"safety.add_serial({names}{schema_argument(name_of(table))})")


def _not_null(operation: AddColumnOp, place: TableName) -> Iterable[MigrateOperation]:
    column = operation.column
    if not column.nullable:
        change = AlterColumnOp(
            operation.table_name,
            column.name,
            schema=operation.schema,
            existing_type=_plain(column).type,
            existing_nullable=True,
            modify_nullable=False,
        )
        yield set_not_null(change, place)


def _identity(table: Table, column: Column[Any], place: TableName) -> Iterable[MigrateOperation]:
    if column.identity is not None:
        definition = str(_compiler.visit_identity_column(column.identity)).lower()  # type: ignore[no-untyped-call] # SQLAlchemy's
        names = f"{quoted(place[1])}, {quoted(column.name)}, {quoted(definition)}"
        call = f"safety.add_identity({names}{schema_argument(place)})"
        yield SafeOp(AlterIdentityOp(table, column.name, (), (definition,)), call)
