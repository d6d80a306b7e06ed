"""The bases of classes mapped to tables and to views."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, MetaData, Table, Text, Uuid
from sqlalchemy import inspect as sql_inspect
from sqlalchemy.orm import DeclarativeBase

from townhall.base.naming import metadata
from townhall.types import BoundedInteger, add_bounds, convert_on_assignment

_TYPES: Mapping[Any, Any] = {
    int: BoundedInteger,
    str: Text,
    datetime: DateTime(timezone=True),
    uuid.UUID: Uuid,
}


class _Representation:
    def __repr__(self) -> str:
        """Name the row by its key alone: logs must not contain personal data."""
        identity = sql_inspect(self).identity
        key = ", ".join(str(part) for part in identity) if identity else "not saved"
        return f"<{type(self).__name__} {key}>"


class Base(_Representation, DeclarativeBase):
    """Base of every mapped class of townhall; an application may use it for its own as well."""

    metadata = metadata
    type_annotation_map = _TYPES
    # Values that the database sets are returned by the statement: a later implicit read would fail
    # under asyncio.
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - read once by SQLAlchemy

    def __init_subclass__(cls, **options: Any) -> None:  # noqa: ANN401 - a class's
        """Map the class, and add the checks of its bounded columns to its table."""
        super().__init_subclass__(**options)
        table = getattr(cls, "__table__", None)
        if isinstance(table, Table):
            add_bounds(table)


class ViewBase(_Representation, DeclarativeBase):
    """Base of classes mapped to views, which are only read; revisions create no table for them."""

    metadata = MetaData()
    type_annotation_map = _TYPES


convert_on_assignment(Base)
convert_on_assignment(ViewBase)
