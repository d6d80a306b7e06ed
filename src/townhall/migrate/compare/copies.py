"""Copies of declared tables."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ARRAY, Enum, MetaData, Table, TypeDecorator
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.types import TypeEngine

_dialect = PGDialect()  # type: ignore[no-untyped-call] # SQLAlchemy's


def native_enum(type_: TypeEngine[Any]) -> Enum | None:
    """Return the enum that a type is or is an array of, if PostgreSQL has a type for it.

    Args:
        type_: The type of a column.
    """
    if isinstance(type_, TypeDecorator):
        return native_enum(type_.load_dialect_impl(_dialect))
    if isinstance(type_, ARRAY):
        return native_enum(type_.item_type)
    return type_ if isinstance(type_, Enum) and type_.native_enum else None


def copied(table: Table, metadata: MetaData, **options: Any) -> Table:  # noqa: ANN401 - SQLAlchemy's
    """Return a copy of a table whose enum types have the schemas of the original's.

    Args:
        table: The table.
        metadata: The metadata of the copy.
        options: Options of ``Table.to_metadata``.
    """
    copy = table.to_metadata(metadata, **options)
    for column, original in zip(copy.columns, table.columns, strict=True):
        # SQLAlchemy gives a copied type the schema of the table.
        enum, source = native_enum(column.type), native_enum(original.type)
        if enum is not None and source is not None:
            enum.schema = source.schema
    info = {index.name: index.info for index in table.indexes}
    for index in copy.indexes:
        index.info.update(info.get(index.name, {}))
    return copy
