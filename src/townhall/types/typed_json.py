"""JSONB with a known shape."""

from __future__ import annotations

import logging
from typing import Any, Generic, TypeVar

from pydantic import ValidationError
from sqlalchemy import ClauseElement, Dialect

from townhall.types.document import Document
from townhall.types.json_value import JsonValue

_log = logging.getLogger(__name__)

_Value = TypeVar("_Value", bound=JsonValue)


class TypedJson(Document, Generic[_Value]):
    """A ``jsonb`` column that Python reads and writes as a :class:`JsonValue`.

    An attribute mapped to it takes a value or a mapping of that shape. On ``townhall.base.Base``,
    and on a base that ``convert_on_assignment`` was called with, anything else is refused on
    assignment; on other bases when the row is stored.
    """

    cache_ok = True

    def __init__(self, shape: type[_Value]) -> None:
        """Bind the column to the class of its values."""
        super().__init__()
        self.shape = shape

    def coerce(self, value: Any) -> Any:  # noqa: ANN401 - what an attribute is set to
        """Return the typed value that an attribute is set to; SQL expressions and None are kept.

        Raises:
            pydantic.ValidationError: The value does not have the shape; the error names the path.
        """
        if value is None or isinstance(value, ClauseElement):
            return value
        return self.shape.model_validate(value)

    def process_bind_param(self, value: _Value | None, dialect: Dialect) -> dict[str, Any] | None:
        """Return the object to store, of a value or of a mapping of the shape."""
        del dialect
        return None if value is None else self.shape.model_validate(value).as_stored()

    def process_result_value(self, value: Any, dialect: Dialect) -> _Value | None:  # noqa: ANN401 - JSON
        """Return the typed value of a stored object."""
        del dialect
        return None if value is None else self.shape.from_stored(value)

    @property
    def python_type(self) -> type[_Value]:
        """The class of the column's values."""
        return self.shape


class OptionalJson(TypedJson[_Value]):
    """A :class:`TypedJson` in a column that is never null: None is stored as ``{}``.

    An object of another shape, stored by another program, is read as None with a warning in the
    log, so that one such row does not make a query of many rows fail.
    """

    cache_ok = True

    def process_bind_param(self, value: _Value | None, dialect: Dialect) -> dict[str, Any] | None:
        """Return the object to store, empty where there is no value."""
        return super().process_bind_param(value, dialect) or {}

    def process_result_value(self, value: Any, dialect: Dialect) -> _Value | None:  # noqa: ANN401 - JSON
        """Return the typed value of a stored object, or None where it does not have the shape."""
        if not value:
            return None
        try:
            return super().process_result_value(value, dialect)
        except ValidationError as error:
            paths = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
            _log.warning("what is stored is no %s: %s", self.shape.__name__, paths)
            return None
