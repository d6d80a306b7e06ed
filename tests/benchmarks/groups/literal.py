"""Statements with their values in the text, as they are run by hand."""

from __future__ import annotations

from sqlalchemy import ClauseElement
from sqlalchemy.dialects import postgresql


def literal(statement: ClauseElement) -> str:
    """Return the text of a statement of SQLAlchemy.

    Args:
        statement: The statement.
    """
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy's
    return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
