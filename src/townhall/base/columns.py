"""Column shapes that repeat."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import Column, FetchedValue, Text, func, text
from sqlalchemy import false as sql_false
from sqlalchemy import true as sql_true
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import MappedColumn, mapped_column

from townhall.types import TRACKED

READ_ONLY = {"read_only": True}
"""``info`` of a column that clients may not write: defaults, triggers or the service set it."""


def is_read_only(column: Column[Any]) -> bool:
    """Tell whether the column is read only for clients."""
    return bool(column.info.get("read_only"))


UuidKey = Annotated[
    uuid.UUID, mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
]
JsonObject = Annotated[
    dict[str, Any],
    mapped_column(JSONB(), server_default=text("'{}'::jsonb"), info=TRACKED),
]
TextArray = Annotated[list[str], mapped_column(ARRAY(Text), server_default=text("'{}'::text[]"))]
FalseByDefault = Annotated[bool, mapped_column(server_default=sql_false())]
TrueByDefault = Annotated[bool, mapped_column(server_default=sql_true())]
ZeroByDefault = Annotated[int, mapped_column(server_default=text("0"))]
NowByDefault = Annotated[datetime, mapped_column(server_default=func.now())]


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
