"""SQLAlchemy's dialect of PostgreSQL, which leaves a few reserved words without quotes."""

from __future__ import annotations

from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql.base import PGDialect

_NOT_QUOTED = frozenset({"collation", "concurrently", "lateral", "system_user", "tablesample"})
"""Words that a supported version reserves, and that SQLAlchemy takes for names."""


def named_dialect() -> PGDialect:
    """Return a dialect for SQL that is written into a text, whose parameters have names."""
    dialect = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call] # SQLAlchemy's
    quote_reserved_words(dialect)
    return dialect


def quote_reserved_words(dialect: Dialect) -> None:
    """Have a dialect quote every word that PostgreSQL reserves.

    Args:
        dialect: The dialect of an engine, which alone is changed.
    """
    preparer = dialect.identifier_preparer
    vars(preparer)["reserved_words"] = preparer.reserved_words | _NOT_QUOTED
