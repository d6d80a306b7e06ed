"""Columns whose default is a sequence of their own (``serial``), as Alembic reflects them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Inspector, Table, text
from sqlalchemy.dialects.postgresql.base import PGDDLCompiler

from townhall.migrate.operations.table_names import name_of
from townhall.pg import ColumnType
from townhall.pg.dialect import named_dialect

_dialect = named_dialect()
_compiler = PGDDLCompiler(_dialect, None)  # type: ignore[arg-type] # nothing to compile
_OWNED = "townhall_columns_with_sequences"


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
    default = column.get("default") or ""
    if default.startswith("nextval(") and (*name_of(table), column["name"]) in _owned(inspector):
        del column["default"]


def _owned(inspector: Inspector) -> set[tuple[str, str, str]]:
    # All are read at once, and kept for as long as what the inspector itself has read.
    found: set[tuple[str, str, str]] | None = inspector.info_cache.get(_OWNED)
    if found is None:
        with inspector._operation_context() as connection:  # noqa: SLF001 - as Alembic does
            found = {
                (row.schema, row.table, row.column) for row in connection.execute(text(_QUERY))
            }
        inspector.info_cache[_OWNED] = found
    return found


_QUERY = """
    select n.nspname as schema, c.relname as table, a.attname as column
    from pg_catalog.pg_depend as d
    join pg_catalog.pg_class as s on s.oid = d.objid and s.relkind = 'S'
    join pg_catalog.pg_class as c on c.oid = d.refobjid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = d.refobjsubid
    where d.classid = 'pg_catalog.pg_class'::regclass
        and d.refclassid = 'pg_catalog.pg_class'::regclass
        and d.deptype in ('a', 'i')
"""


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
