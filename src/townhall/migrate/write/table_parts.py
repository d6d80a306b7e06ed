"""Parts of tables that operations are on: their place and PostgreSQL's definition of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alembic.operations.ops import AddConstraintOp, CreateForeignKeyOp
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Constraint, Index, Table
from sqlalchemy.schema import AddConstraint
from sqlalchemy.types import NullType

from townhall.migrate.compare.declared_names import final_name
from townhall.migrate.operations.constraints import AddDefinedOp, RenameConstraintOp
from townhall.migrate.operations.definitions import BringBackOp
from townhall.migrate.operations.table_names import name_of, table_of
from townhall.migrate.write.python_source import quoted
from townhall.pg import sql
from townhall.pg.catalog import TableName
from townhall.pg.dialect import named_dialect

DIALECT = named_dialect()


def place_of(operation: Any) -> TableName | None:  # noqa: ANN401 - the operations have no common base
    """Return schema and name of the table that an operation is on, or None if it is on none.

    Args:
        operation: Any operation.
    """
    if isinstance(operation, BringBackOp):
        return place_of(operation.drop)
    if isinstance(operation, AddDefinedOp | RenameConstraintOp):
        return name_of(operation.table)
    is_on_one = getattr(operation, "table_name", None) or isinstance(operation, CreateForeignKeyOp)
    return table_of(operation) if is_on_one else None


def drop_of_constraint(place: TableName, name: str) -> str:
    """Return the statement that drops a constraint, if it and its table exist.

    Args:
        place: Schema and name of the table.
        name: The name of the constraint.
    """
    table = sql.qualified(*place)
    return f"alter table if exists {table} drop constraint if exists {sql.quote(name)}"


def schema_argument(place: TableName) -> str:
    """Return the last argument of a call of ``townhall.migrate.safety``.

    Args:
        place: Schema and name of the table.
    """
    return "" if place[0] == "public" else f", schema={quoted(place[0])}"


def definition_of(
    context: MigrationContext, operation: AddConstraintOp | AddDefinedOp
) -> tuple[str | None, str]:
    """Return the name of a constraint, None if PostgreSQL gives it one, and its definition.

    Args:
        context: The context of the run.
        operation: What adds the constraint.
    """
    if isinstance(operation, AddDefinedOp):
        return operation.constraint_name, operation.definition
    constraint = operation.to_constraint(context)
    if constraint.name is None:
        return None, ""
    add_included(constraint.table, constraint)
    statement = str(AddConstraint(constraint).compile(dialect=DIALECT))
    preparer = DIALECT.identifier_preparer
    start = f" ADD CONSTRAINT {preparer.format_constraint(constraint)} "
    return final_name(constraint), statement.partition(start)[2]


def settings_of(operation: AddConstraintOp | AddDefinedOp) -> Sequence[str]:
    """Return what PostgreSQL had for a constraint that comes back: its comment, for example.

    Args:
        operation: What adds the constraint.
    """
    return operation.settings if isinstance(operation, AddDefinedOp) else ()


def add_included(table: Table, element: Index | Constraint) -> None:
    """Give the table of an operation the columns that an index includes.

    It has those that are indexed, and no others.

    Args:
        table: The table, which is changed.
        element: The index or the constraint.
    """
    for name in element.kwargs.get("postgresql_include") or ():
        if name not in table.columns:
            table.append_column(Column(name, NullType()))
