"""Arrays of labels."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Dialect, Text
from sqlalchemy.dialects.postgresql import ARRAY

from townhall.types.bounded import Bounded
from townhall.types.bounded_text import LABEL_LENGTH, unstorable

ARRAY_ITEMS = 100
"""The largest number of items of an array."""


class LabelArray(Bounded[list[str]]):
    """A ``text[]`` column: one dimension of labels, without NULL among them."""

    impl = ARRAY
    cache_ok = True

    def __init__(self) -> None:
        """Limit the array."""
        super().__init__(Text)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401 - an array
        """Return the array.

        Raises:
            InputError: It is one text, whose letters would be the items, or PostgreSQL can't store
                a character of an item.
        """
        del dialect
        if isinstance(value, str):
            self.refuse("holds a list of texts, not one text")
        for item in value or ():
            if isinstance(item, str) and (problem := unstorable(item)):
                self.refuse(problem)
        return value

    def condition(self, column: Column[Any]) -> str:
        """Return the condition on the dimensions, the number of items, and each of them."""
        name = column.name
        too_long = f'$[*] ? (@ like_regex "^.{{{LABEL_LENGTH + 1}}}" flag "s")'
        return (
            f"cardinality({name}) <= {ARRAY_ITEMS}"
            f" and coalesce(array_ndims({name}), 1) = 1"
            f" and array_position({name}, null) is null"
            f" and not jsonb_path_exists(to_jsonb({name}), '{too_long}')"
        )
