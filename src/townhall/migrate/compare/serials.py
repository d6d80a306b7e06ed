"""Columns whose default is a sequence of their own (``serial``), as Alembic reflects them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Inspector, Table, text
from sqlalchemy.dialects.postgresql.base import PGDDLCompiler, PGDialect

from townhall.migrate.operations.statements import qualified_name
from townhall.pg import ColumnType

_dialect = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call] # SQLAlchemy's
_compiler = PGDDLCompiler(_dialect, None)  # type: ignore[arg-type] # nothing to compile


def omit_default_of_serial(inspector: Inspector, table: Table, column: dict[str, Any]) -> None:
    """Remove the default of a column that owns its sequence, which ``serial`` implies.

    It takes the place of Alembic's function, which looks the sequence up by the name in the
    default. SQLAlchemy has completed that name with the schema of the table, where the sequence
    need not be.

    Args:
        inspector: The inspector that reflects the table.
        table: The table.
        column: What was reflected of the column.
    """
    if (column.get("default") or "").startswith("nextval("):
        names = {"table": qualified_name(table), "column": column["name"]}
        with inspector._operation_context() as connection:  # noqa: SLF001 - as Alembic does
            if connection.scalar(text(_OWNED), names) is not None:
                del column["default"]


_OWNED = "select pg_get_serial_sequence(:table, :column)"


def serial_type(column: Column[Any]) -> ColumnType | None:
    """Return the type of a column that takes its numbers from a sequence of its own, or None.

    In an added column Alembic writes the type of the numbers, and no sequence.

    Args:
        column: A column of a declared table.
    """
    name = _dialect.identifier_preparer.format_column(column)
    specification = str(_compiler.get_column_specification(column))  # type: ignore[no-untyped-call] # SQLAlchemy's
    type_ = specification.removeprefix(name).split()[0]
    return ColumnType(type_.lower()) if type_ in _TYPES else None


_TYPES = {"SMALLSERIAL", "SERIAL", "BIGSERIAL"}
