"""Column shapes that repeat."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Annotated, Any

from sqlalchemy import Column, FetchedValue, func, text
from sqlalchemy import false as sql_false
from sqlalchemy import true as sql_true
from sqlalchemy.orm import MappedColumn, mapped_column

from townhall.types import (
    LABEL_LENGTH,
    LINE_LENGTH,
    TEXT_LENGTH,
    TRACKED,
    BoundedDate,
    BoundedText,
    BoundedTime,
    Document,
    LabelArray,
)

READ_ONLY = {"read_only": True}
"""``info`` of a column that clients may not write: defaults, triggers or the service set it."""


def is_read_only(column: Column[Any]) -> bool:
    """Tell whether the column is read only for clients."""
    return bool(column.info.get("read_only"))


UuidKey = Annotated[
    uuid.UUID, mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
]
"""A primary key that PostgreSQL draws at random."""

Label = Annotated[str, mapped_column(BoundedText(LABEL_LENGTH, must_show=True))]
"""A name, title, slug or category."""

Line = Annotated[str, mapped_column(BoundedText(LINE_LENGTH))]
"""A URL, an address or a phone number."""

LongText = Annotated[str, mapped_column(BoundedText(TEXT_LENGTH))]
"""Text that a person writes."""

JsonObject = Annotated[
    dict[str, Any],
    mapped_column(Document(), server_default=text("'{}'::jsonb"), info=TRACKED),
]
"""A JSON object, empty by default, whose keys are changed one by one."""

Labels = Annotated[list[str], mapped_column(LabelArray(), server_default=text("'{}'::text[]"))]
"""A list of names, empty by default."""

Time = Annotated[datetime, mapped_column(BoundedTime())]
"""A time that Python can hold."""

Day = Annotated[date, mapped_column(BoundedDate())]
"""A date that Python can hold."""

FalseByDefault = Annotated[bool, mapped_column(server_default=sql_false())]
"""A boolean that is false by default."""

TrueByDefault = Annotated[bool, mapped_column(server_default=sql_true())]
"""A boolean that is true by default."""

ZeroByDefault = Annotated[int, mapped_column(server_default=text("0"))]
"""A number that is 0 by default."""

NowByDefault = Annotated[datetime, mapped_column(server_default=func.now())]
"""A time that is that of the transaction by default."""


def created_at(comment: str) -> MappedColumn[datetime]:
    """Return the column with the time when a row was created, with a comment of its own.

    Args:
        comment: The comment of the column.
    """
    return mapped_column(server_default=func.now(), info=READ_ONLY, sort_order=90, comment=comment)


def updated_at(comment: str) -> MappedColumn[datetime]:
    """Return the column with the time when a row last changed, with a comment of its own.

    Args:
        comment: The comment of the column.
    """
    return mapped_column(
        server_default=func.now(),
        server_onupdate=FetchedValue(),
        info=READ_ONLY,
        sort_order=91,
        comment=comment,
    )
