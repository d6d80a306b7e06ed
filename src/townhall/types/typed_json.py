"""JSONB with a known shape."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Generic, TypeVar

from pydantic import ValidationError, create_model
from sqlalchemy import ClauseElement

from townhall.types.document import Document
from townhall.types.exact_reader import exact_reader
from townhall.types.json_value import JsonValue
from townhall.types.unreadable import Unreadable

_Value = TypeVar("_Value", bound=JsonValue)


class TypedJson(Document, Generic[_Value]):
    """A ``jsonb`` column that Python reads and writes as a :class:`JsonValue`.

    An attribute mapped to it takes a value or a mapping of that shape. On ``townhall.base.Base``,
    and on a base that ``convert_on_assignment`` was called with, anything else is refused on
    assignment; on other bases when the row is stored. An object of another shape, stored by another
    program, is read as :class:`Unreadable`.
    """

    cache_ok = True

    def __init__(self, shape: type[_Value]) -> None:
        """Bind the column to the class of its values."""
        super().__init__()
        self.shape = shape

    def coerce(self, value: Any) -> Any:  # noqa: ANN401 - what an attribute is set to
        """Return the typed value that an attribute is set to.

        SQL expressions and None are kept, and an :class:`Unreadable` that is merged.

        Raises:
            pydantic.ValidationError: The value does not have the shape; the error names the path.
        """
        if value is None or isinstance(value, ClauseElement | Unreadable):
            return value
        return self.shape.model_validate(value)

    def to_json(self, value: Any) -> dict[str, Any]:  # noqa: ANN401 - what a column is set to
        """Return the object to store, of a value or of a mapping of the shape."""
        return self.shape.model_validate(value).as_stored()

    def from_json(self, value: Any) -> _Value | None:  # noqa: ANN401 - JSON
        """Return the typed value of a stored object."""
        return self.shape.from_stored(super().from_json(value))

    def to_patch(self, keys: Any) -> dict[str, Any]:  # noqa: ANN401 - what was given as keys
        """Return the plain JSON of keys of the shape, each with a value of its field.

        Raises:
            pydantic.ValidationError: A key is none of the shape, or a value is not valid.
        """
        if isinstance(keys, self.shape):
            return keys.as_stored()
        patch = _without_requirements(self.shape).model_validate(keys)
        return patch.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def reader(self, loads: Callable[[str], Any]) -> Callable[[str], Any]:
        """Return what makes a typed value of the text of a stored object.

        Most objects are read by pydantic at once, in a third of the time.

        Args:
            loads: What makes JSON of a text.
        """
        read_exactly = exact_reader(self.shape)

        def read(text: str) -> Any:  # noqa: ANN401 - a value, which can't change and keeps no text
            value = loads(text)
            return None if value is None else self.from_json(value)

        if read_exactly is None or loads is not json.loads:
            return read

        def read_at_once(text: str) -> Any:  # noqa: ANN401 - a value
            try:
                return read_exactly(text)
            except ValidationError:
                return read(text)

        return read_at_once

    @property
    def python_type(self) -> type[_Value]:
        """The class of the column's values."""
        return self.shape


@cache
def _without_requirements(shape: type[JsonValue]) -> type[JsonValue]:
    """Return a shape with the same fields, none of which is required."""
    fields: dict[str, Any] = {
        name: (Annotated[field.annotation, field], None)
        for name, field in shape.model_fields.items()
    }
    return create_model(
        shape.__name__,
        __base__=shape,
        __module__=shape.__module__,
        __cls_kwargs__={"validate_default": False},
        **fields,
    )


class OptionalJson(TypedJson[_Value]):
    """A :class:`TypedJson` in a column that is never null: None is stored as ``{}``."""

    cache_ok = True

    none = "{}"

    def from_json(self, value: Any) -> _Value | None:  # noqa: ANN401 - JSON
        """Return the typed value of a stored object, or None where it is empty."""
        return super().from_json(value) if value else None

    def reader(self, loads: Callable[[str], Any]) -> Callable[[str], Any]:
        """Return what makes a typed value of the text of a stored object, or None of ``{}``.

        Args:
            loads: What makes JSON of a text.
        """
        read = super().reader(loads)
        return lambda text: None if text == self.none else read(text)
