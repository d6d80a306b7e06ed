"""Types of columns by PostgreSQL's names, for revisions."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects.postgresql.base import PGTypeCompiler
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import UserDefinedType

SERIAL_TYPES = {"smallserial": "smallint", "serial": "integer", "bigserial": "bigint"}
"""The names for an integer with a sequence of its own, and the types that the columns have."""


class ColumnType(UserDefinedType[Any]):
    """A type by the name that PostgreSQL has for it.

    A revision names so the types that SQLAlchemy does not know: those of extensions, composite and
    range types, and what an application defines itself.
    """

    cache_ok = True

    def __init__(self, name: str) -> None:
        """Take the name.

        Args:
            name: The type in SQL, with its modifiers: ``extensions.vector(3)``.
        """
        self.name = name

    def get_col_spec(self, **_: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
        """Return the name."""
        return self.name


@compiles(ColumnType)
def _compile(
    column_type: ColumnType,
    compiler: PGTypeCompiler,
    **_: Any,  # noqa: ANN401 - SQLAlchemy's
) -> str:
    # A driver takes a percent sign in the statement for a parameter, as SQLAlchemy's names have it.
    has_parameters = compiler.dialect.paramstyle in {"format", "pyformat"}
    return column_type.name.replace("%", "%%") if has_parameters else column_type.name
