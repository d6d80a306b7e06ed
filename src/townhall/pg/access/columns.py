"""Columns of a table, given as attributes of its mapped class."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Table
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.orm import ColumnProperty, InstrumentedAttribute

from townhall.base import is_read_only

Attribute = InstrumentedAttribute[Any]
"""A mapped attribute that stands for a column: ``Participant.event_id``."""

_dialect = PGDialect()  # type: ignore[no-untyped-call] # SQLAlchemy's


def column_of(attribute: Attribute, place: str) -> Column[Any]:
    """Return the column that a mapped attribute stands for.

    Args:
        attribute: The attribute.
        place: Where it is given, for the error: ``"owner()"``.

    Raises:
        TypeError: It is no mapped attribute, or is mapped to something other than a column.
    """
    if not isinstance(attribute, InstrumentedAttribute):
        raise TypeError(
            f"{place} takes a column as an attribute of a mapped class, such as Note.owner_id,"
            f" not {attribute!r}"
        )
    mapped = attribute.comparator.prop
    column = mapped.columns[0] if isinstance(mapped, ColumnProperty) else None
    if not isinstance(column, Column) or not isinstance(column.table, Table):
        raise TypeError(
            f"{place} takes a column, and {attribute} is not mapped to a column of a table;"
            " name the attribute that is, such as the foreign key of a relationship"
        )
    return column


def type_of(column: Column[Any]) -> str:
    """Return the type of a column as PostgreSQL names it: ``uuid``."""
    return column.type.compile(_dialect).lower()


def is_writable(column: Column[Any]) -> bool:
    """Tell whether a client may write the column: it is neither read only nor generated."""
    is_generated = column.computed is not None or (
        column.identity is not None and column.identity.always
    )
    return not (is_read_only(column) or is_generated)
