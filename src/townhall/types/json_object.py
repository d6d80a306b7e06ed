"""JSON objects without a fixed shape."""

from __future__ import annotations

import json
from typing import Any, Self

from sqlalchemy import ClauseElement, Column, ColumnElement
from sqlalchemy.ext.mutable import MutableBase, MutableDict
from sqlalchemy.orm import InstanceState, LoaderCallableStatus

from townhall.types.unreadable import Unreadable

TRACKED = {"tracked_object": True}
"""``info`` of a column whose attribute is a :class:`TrackedObject`."""


def is_tracked(column: ColumnElement[Any]) -> bool:
    """Tell whether the attribute of a column is a :class:`TrackedObject`."""
    return isinstance(column, Column) and bool(column.info.get("tracked_object"))


class LoadedObject(dict[str, Any]):
    """A JSON object that was read.

    Attributes:
        stored_text: The text that the database has of it, which stays when the object is changed.
    """

    def __init__(self, items: dict[str, Any], stored_text: str) -> None:
        """Hold an object together with its text."""
        super().__init__(items)
        self.stored_text = stored_text


class TrackedObject(MutableDict[str, Any]):
    """A JSON object of a row that is stored again when one of its keys is set or removed.

    Changes inside the value of a key are not noticed.

    Attributes:
        stored_text: The text that the database has of it; None until it is stored.
    """

    stored_text: str | None = None

    @classmethod
    def coerce(cls, key: str, value: Any) -> Any:  # noqa: ANN401 - what an attribute is set to
        """Return the object that an attribute is set to; an SQL expression is kept.

        Raises:
            InputError: The value is not an object.
        """
        if isinstance(value, Unreadable):
            return value
        if isinstance(value, ClauseElement):
            return _Expression(value)
        tracked = super().coerce(key, value)
        if isinstance(tracked, TrackedObject) and isinstance(value, LoadedObject):
            tracked.stored_text = value.stored_text
        return tracked

    def __ior__(self, other: Any) -> Self:  # type: ignore[override,misc] # noqa: ANN401 - as update()
        """Set keys in place, which SQLAlchemy notices since version 2.1 alone."""
        self.update(other)
        return self

    def given_to(self, row: InstanceState[Any], key: str) -> TrackedObject:
        """Return the object to which an attribute is set: a copy where another row has this one.

        It has no stored text, which would be that of another row.

        Args:
            row: The state of the row.
            key: The name of the attribute.
        """
        self._parents.pop(row, None)
        given = TrackedObject(self) if self._parents else self
        given.stored_text = None
        given._parents[row] = key  # noqa: SLF001 - of this class
        return given

    def changed(self) -> None:
        """Let the rows of the object store it again, and keep with each what it had before."""
        before = {row: self._before(row, key) for row, key in self._parents.items()}
        super().changed()  # forgets it
        for row, key in self._parents.items():
            row.committed_state[key] = before[row]

    def _before(self, row: InstanceState[Any], key: str) -> Any:  # noqa: ANN401 - a value of any type
        if key in row.committed_state or self.stored_text is None:
            return row.committed_state.get(key, LoaderCallableStatus.NO_VALUE)
        return LoadedObject(json.loads(self.stored_text), self.stored_text)

    def __getstate__(self) -> Any:  # noqa: ANN401 - what is pickled
        """Return what is pickled: the object with its text."""
        return super().__getstate__(), self.stored_text

    def __setstate__(self, state: Any) -> None:  # noqa: ANN401 - what was pickled
        """Take over what was pickled."""
        items, self.stored_text = state
        super().__setstate__(items)


class _Expression(MutableBase):
    """An SQL expression in the place of an object: SQLAlchemy's listeners need a mutable value."""

    def __init__(self, expression: ClauseElement) -> None:
        self._expression = expression

    def __clause_element__(self) -> ClauseElement:
        return self._expression
