"""Which table an operation is on, by schema and name."""

from __future__ import annotations

from typing import Protocol

from alembic.operations.ops import CreateForeignKeyOp
from sqlalchemy import Table

from townhall.pg.catalog import TableName

_DEFAULT_SCHEMA = "public"


class OnTable(Protocol):
    """An operation on a table; the operations of Alembic have no base that says so."""

    @property
    def schema(self) -> str | None:
        """The schema of the table; None for ``public``."""

    @property
    def table_name(self) -> str | None:
        """The name of the table."""


def name_of(table: Table) -> TableName:
    """Return schema and name of a table."""
    return table.schema or _DEFAULT_SCHEMA, table.name


def table_of(operation: OnTable | CreateForeignKeyOp) -> TableName:
    """Return schema and name of the table that an operation is on."""
    # Operations by PostgreSQL's definition have the table itself.
    table = getattr(operation, "table", None)
    if isinstance(table, Table):
        return name_of(table)
    if isinstance(operation, CreateForeignKeyOp):
        return operation.kw.get("source_schema") or _DEFAULT_SCHEMA, operation.source_table
    return operation.schema or _DEFAULT_SCHEMA, str(operation.table_name)
