"""Whether two JSON values are the same."""

from __future__ import annotations

from typing import Any

from townhall.types.json_value import JsonValue


def is_same(one: Any, other: Any) -> bool:  # noqa: ANN401 - JSON, or the value of a document
    """Tell whether two documents are the same JSON, in which ``true`` is not the number 1.

    Args:
        one: A value, as an attribute has it.
        other: Another one.
    """
    match one, other:
        case JsonValue(), JsonValue():
            return is_same(one.as_stored(), other.as_stored())
        case dict(), dict():
            return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
        case (list() | tuple(), list() | tuple()):
            return len(one) == len(other) and all(map(is_same, one, other))
        case (bool(), _) | (_, bool()):
            return one is other
    return bool(one == other)
