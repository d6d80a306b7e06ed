"""Which bound of a column a value breaks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import CheckConstraint, Column, Table

from townhall.errors import sentences
from townhall.errors.statements import Written
from townhall.refusals import Kind, Refusal
from townhall.types import BoundedText, Document, LabelArray
from townhall.types.bounded import bounded_column
from townhall.types.bounded_labels import ARRAY_ITEMS
from townhall.types.bounded_text import LABEL_LENGTH


def broken_bounds(
    check: CheckConstraint, table: Table | None, statement: Written
) -> Refusal | None:
    """Return what is told of a broken check of bounds, or None for another check.

    A check of several bounds does not tell which of them is broken: the values of the statement do.

    Args:
        check: The check.
        table: Its table.
        statement: The statement, with its values as far as they are known.
    """
    name = bounded_column(check)
    if name is None or table is None:
        return None
    column = table.columns[name]
    if not isinstance(column.type, BoundedText | LabelArray | Document):
        return Refusal(Kind.OUT_OF_RANGE, sentences.bounds(column))
    values = [each for each in statement.values(name) if each is not None]
    if values and not any(_is_too_large(column, each) for each in values):
        return Refusal(Kind.OUT_OF_RANGE, sentences.bounds(column))
    return Refusal(Kind.TOO_LARGE, sentences.too_large(column))


def _is_too_large(column: Column[Any], value: object) -> bool:
    match column.type, value:
        case BoundedText(length=length), str():
            return len(value) > length
        case LabelArray(), Iterable():
            items = [each for each in value if isinstance(each, str)]
            return len(items) > ARRAY_ITEMS or any(len(each) > LABEL_LENGTH for each in items)
    return True
