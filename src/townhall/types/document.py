"""JSON objects of a limited size."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import (
    ClauseElement,
    Column,
    ColumnElement,
    Dialect,
    Text,
    cast,
    literal,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import QueryableAttribute
from sqlalchemy.sql import operators
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator, TypeEngine

from townhall.input_error import InputError
from townhall.types.bounded import Bounded
from townhall.types.json_object import LoadedObject
from townhall.types.same_json import is_same
from townhall.types.unreadable import Unreadable

DOCUMENT_SIZE = 256 * 1024
"""The largest document, in bytes as text."""

DOCUMENT_LEVELS = 32
"""The levels of objects and arrays in the deepest document; an empty object has one."""

# Text of it converts to the largest finite double precision number.
_LARGEST_NUMBER = "1.7976931348623158e308"

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_LARGE_FLOAT = "e+"

_OF_WHOLE_VALUES = (
    operators.eq,
    operators.ne,
    operators.is_distinct_from,
    operators.is_not_distinct_from,
    operators.in_op,
    operators.not_in_op,
)


class _Comparator(TypeDecorator.Comparator[Any], JSONB.Comparator):
    """The operators of ``jsonb``: the parts of a value are plain JSON."""

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401 - a key or a path
        return type_coerce(self.expr, JSONB)[index]

    def concat(self, other: Any) -> Any:  # noqa: ANN401 - keys, or an expression
        """Return the document with other values of some top-level keys.

        Raises:
            ValueError: The keys or the values are none of the document.
        """
        document = self.type
        assert isinstance(document, Document)  # noqa: S101 - it compares documents alone
        return super().concat(document.patch(other))


class Document(Bounded[Any]):
    """A ``jsonb`` column with an object of a limited size and depth, whose numbers Python can load.

    It is read as text and loaded here: for a value that Python can't load, the driver would raise
    an error for the whole page of rows. Such a value is read as :class:`Unreadable`.
    """

    impl = JSONB
    cache_ok = True

    none: str | None = None
    """What None is stored as: JSON, or null."""

    def __init__(self, size: int | None = DOCUMENT_SIZE) -> None:
        """Limit the document.

        Args:
            size: The largest size, in bytes as text. None for no limits.
        """
        super().__init__(none_as_null=True)
        self.size = size

    @property
    def python_type(self) -> type[Any]:
        """A dictionary."""
        return dict

    @property
    def comparator_factory(self) -> type[_Comparator]:  # type: ignore[override]  # memoized there
        """The operators of ``jsonb``."""
        return _Comparator

    def coerce_compared_value(
        self,
        op: OperatorType | None,
        value: Any,  # noqa: ANN401 - what a column is compared with
    ) -> TypeEngine[Any]:
        """Return the type of the other operand: this one for a whole value, else that of a part."""
        return self if op in _OF_WHOLE_VALUES else super().coerce_compared_value(op, value)

    def condition(self, column: Column[Any]) -> str | None:
        """Return the condition on the size, the depth and the numbers."""
        if self.size is None:
            return None
        too_deep = (
            f'strict $.**{{{DOCUMENT_LEVELS}}} ? (@.type() == "object" || @.type() == "array")'
        )
        too_large = f"strict $.** ? (@ > {_LARGEST_NUMBER} || @ < -{_LARGEST_NUMBER})"
        return (
            f"octet_length({column.name}::text) <= {self.size}"
            f" and not jsonb_path_exists({column.name}, '{too_deep}')"
            f" and not jsonb_path_exists({column.name}, '{too_large}')"
        )

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the text that is selected."""
        return type_coerce(cast(column, Text), self)

    def bind_processor(self, dialect: Dialect) -> Any:  # noqa: ANN401 - a function
        """Return what makes JSON of a value."""
        dumps = dialect._json_serializer or _dumps  # noqa: SLF001 - there is no public way

        def process(value: Any) -> str | None:  # noqa: ANN401 - what a column is set to
            if value is None:
                return self.none
            return value.raw if isinstance(value, Unreadable) else self._checked(value, dumps)

        return process

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:  # noqa: ANN401 - a function
        """Return what loads a value."""
        del coltype
        loads = dialect._json_deserializer or json.loads  # noqa: SLF001 - there is no public way

        read = self.reader(loads)

        def process(stored: Any) -> Any:  # noqa: ANN401 - JSON
            try:
                if isinstance(stored, str):
                    return read(stored)
                # A statement as text does not select the column as text.
                return None if stored is None else self.from_json(stored)
            except (ValueError, RecursionError):
                return Unreadable(stored if isinstance(stored, str) else repr(stored))

        return process

    def to_json(self, value: Any) -> Any:  # noqa: ANN401 - what a column is set to
        """Return the plain JSON of a value."""
        return value

    def from_json(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """Return the value of plain JSON.

        Raises:
            InputError: It is not an object.
        """
        if not isinstance(value, dict):
            raise InputError("not an object")
        return value

    def patch(self, keys: Any) -> Any:  # noqa: ANN401 - a mapping, or an expression
        """Return the keys to merge into a document with ``||``, as an expression.

        Args:
            keys: The values by key. An SQL expression is kept.

        Raises:
            InputError: They are no mapping.
        """
        if isinstance(keys, ClauseElement | QueryableAttribute):
            return keys
        patch_type = Document(None)
        patch_type.column_name = self.column_name
        return literal(self.to_patch(keys), patch_type)

    def to_patch(self, keys: Any) -> dict[str, Any]:  # noqa: ANN401 - what was given as keys
        """Return the plain JSON of keys to merge.

        Args:
            keys: The values by key.

        Raises:
            InputError: They are no mapping.
        """
        if not isinstance(keys, Mapping):
            self.refuse(f"can be merged with a mapping of keys to values, not with {keys!r}")
        return dict(keys)

    def reader(self, loads: Callable[[str], Any]) -> Callable[[str], Any]:
        """Return what makes a value of the text of a stored object, and None of JSON's ``null``.

        Args:
            loads: What makes JSON of a text.
        """

        def read(text: str) -> Any:  # noqa: ANN401 - a value
            value = loads(text)
            return None if value is None else LoadedObject(self.from_json(value), text)

        return read

    def compare_values(self, x: Any, y: Any) -> bool:  # noqa: ANN401 - values of an attribute
        """Tell whether two values are the same JSON: Python's ``==`` has ``True == 1``."""
        return is_same(x, y)

    def _checked(self, value: Any, dumps: Callable[[Any], str]) -> str:  # noqa: ANN401 - JSON
        try:
            text = dumps(self.to_json(value))
            text.encode()
        except RecursionError:
            self.refuse(f"can't hold more than {DOCUMENT_LEVELS} levels of objects and arrays")
        except (ValueError, TypeError) as error:
            self.refuse(f"can't hold this as JSON: {error}")
        if _NUL.search(text):
            self.refuse("can't hold NUL, which PostgreSQL's jsonb does not store")
        return text


def _dumps(value: Any) -> str:  # noqa: ANN401 - JSON
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    # PostgreSQL stores 1e23 as the whole number 10²³, which is another one than the float.
    return json.dumps(_exact(value), ensure_ascii=False) if _LARGE_FLOAT in text else text


def _exact(value: Any) -> Any:  # noqa: ANN401 - JSON
    match value:
        case float():
            return int(value) if value.is_integer() else value
        case dict():
            return {key: _exact(item) for key, item in value.items()}
        case list() | tuple():
            return [_exact(item) for item in value]
    return value
