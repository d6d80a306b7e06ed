"""JSON documents of a limited size."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import operators
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator, TypeEngine

from townhall.types.bounded import Bounded

DOCUMENT_SIZE = 256 * 1024
"""The largest document, in bytes as text."""

DOCUMENT_LEVELS = 32
"""The levels of objects and arrays in the deepest document; an empty object has one."""

# Text of it converts to the largest finite double precision number.
_LARGEST_NUMBER = "1.7976931348623158e308"

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


class Document(Bounded[Any]):
    """A ``jsonb`` column of a limited size and depth, whose numbers Python can load."""

    impl = JSONB
    cache_ok = True

    def __init__(self, size: int = DOCUMENT_SIZE, *, none_as_null: bool = True) -> None:
        """Limit the document.

        Args:
            size: The largest size, in bytes as text.
            none_as_null: Whether None is stored as SQL's NULL and not as JSON's.
        """
        super().__init__(none_as_null=none_as_null)
        self.size = size

    @property
    def python_type(self) -> type[Any]:
        """A dictionary: the columns of townhall hold objects."""
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

    def condition(self, column: Column[Any]) -> str:
        """Return the condition on the size, the depth and the numbers."""
        too_deep = (
            f'strict $.**{{{DOCUMENT_LEVELS}}} ? (@.type() == "object" || @.type() == "array")'
        )
        too_large = f"strict $.** ? (@ > {_LARGEST_NUMBER} || @ < -{_LARGEST_NUMBER})"
        return (
            f"octet_length({column.name}::text) <= {self.size}"
            f" and not jsonb_path_exists({column.name}, '{too_deep}')"
            f" and not jsonb_path_exists({column.name}, '{too_large}')"
        )
