"""JSON objects without a fixed shape."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ClauseElement, Column, ColumnElement
from sqlalchemy.ext.mutable import MutableBase, MutableDict

from townhall.types.unreadable import Unreadable

TRACKED = {"tracked_object": True}
"""``info`` of a column whose attribute is a :class:`TrackedObject`."""


def is_tracked(column: ColumnElement[Any]) -> bool:
    """Tell whether the attribute of a column is a :class:`TrackedObject`."""
    return isinstance(column, Column) and bool(column.info.get("tracked_object"))


class TrackedObject(MutableDict[str, Any]):
    """A JSON object of a row that is stored again when one of its keys is set or removed.

    Changes inside the value of a key are not noticed.
    """

    @classmethod
    def coerce(cls, key: str, value: Any) -> Any:  # noqa: ANN401 - what an attribute is set to
        """Return the object that an attribute is set to; an SQL expression is kept.

        Raises:
            InputError: The value is not an object.
        """
        if isinstance(value, Unreadable):
            return value
        return (
            _Expression(value) if isinstance(value, ClauseElement) else super().coerce(key, value)
        )


class _Expression(MutableBase):
    """An SQL expression in the place of an object: SQLAlchemy's listeners need a mutable value."""

    def __init__(self, expression: ClauseElement) -> None:
        self._expression = expression

    def __clause_element__(self) -> ClauseElement:
        return self._expression
