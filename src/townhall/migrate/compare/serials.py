"""Columns whose default is a sequence of their own (``serial``), as Alembic reflects them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Inspector, Table, text

from townhall.migrate.operations.statements import qualified_name


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
