"""The declarative base: naming convention, repeated column shapes and mixins."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    FetchedValue,
    MetaData,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy import false as sql_false
from sqlalchemy import inspect as sql_inspect
from sqlalchemy import true as sql_true
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, mapped_column

from townhall.types import TrackedObject

KEPT_BY_DATABASE = {"kept_by_database": True}
"""``info`` of a column that defaults and triggers keep: no client is granted to write it."""


def is_kept_by_database(column: Column[Any]) -> bool:
    """Tell whether no client writes the column."""
    return bool(column.info.get("kept_by_database"))


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

UuidKey = Annotated[
    uuid.UUID, mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
]
JsonObject = Annotated[
    dict[str, Any],
    mapped_column(TrackedObject.as_mutable(JSONB()), server_default=text("'{}'::jsonb")),
]
TextArray = Annotated[list[str], mapped_column(ARRAY(Text), server_default=text("'{}'::text[]"))]
FalseByDefault = Annotated[bool, mapped_column(server_default=sql_false())]
TrueByDefault = Annotated[bool, mapped_column(server_default=sql_true())]
ZeroByDefault = Annotated[int, mapped_column(server_default=text("0"))]
NowByDefault = Annotated[datetime, mapped_column(server_default=func.now())]


_TYPES: Mapping[Any, Any] = {str: Text, datetime: DateTime(timezone=True), uuid.UUID: Uuid}


class _Representation:
    def __repr__(self) -> str:
        """Name the row by its key alone: a log must not show anybody's data."""
        identity = sql_inspect(self).identity
        key = ", ".join(str(part) for part in identity) if identity else "not saved"
        return f"<{type(self).__name__} {key}>"


class Base(_Representation, DeclarativeBase):
    """Base of every mapped class of townhall, and of an application's own if it likes."""

    metadata = metadata
    type_annotation_map = _TYPES
    # What the database decides comes back with the statement: a later read of its own would fail
    # under asyncio.
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - read once by SQLAlchemy


class ViewBase(_Representation, DeclarativeBase):
    """Base of classes mapped to views: they are read, and revisions make no table for them."""

    metadata = MetaData()
    type_annotation_map = _TYPES


def created_at(comment: str) -> MappedColumn[datetime]:
    """Return the column of when a row was created, for a class that comments it otherwise."""
    return mapped_column(
        server_default=func.now(), info=KEPT_BY_DATABASE, sort_order=90, comment=comment
    )


def updated_at(comment: str) -> MappedColumn[datetime]:
    """Return the column of when a row last changed, for a class that comments it otherwise."""
    return mapped_column(
        server_default=func.now(),
        server_onupdate=FetchedValue(),
        info=KEPT_BY_DATABASE,
        sort_order=91,
        comment=comment,
    )


class Created:
    """A row that knows since when it exists."""

    created_at: Mapped[datetime] = created_at("When the row was created.")


class Timestamps(Created):
    """A row that also knows when it last changed."""

    updated_at: Mapped[datetime] = updated_at("When the row last changed; kept by a trigger.")


def one_of(column: str, vocabulary: type[StrEnum]) -> CheckConstraint:
    """Return the check that keeps a text column within an enum's values.

    Args:
        column: The name of the column; it also names the constraint.
        vocabulary: The enum, which is the single source of the allowed values.
    """
    values = ", ".join(f"'{member.value}'" for member in vocabulary)
    return CheckConstraint(f"{column} in ({values})", name=f"{column}_known")


def is_object(column: str) -> CheckConstraint:
    """Return the check that a JSONB column holds an object.

    Args:
        column: The name of the column; it also names the constraint.
    """
    return CheckConstraint(f"jsonb_typeof({column}) = 'object'", name=f"{column}_is_object")
