"""Copies of declared tables."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ARRAY, Enum, MetaData, Table, TypeDecorator
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.types import TypeEngine

_dialect = PGDialect()  # type: ignore[no-untyped-call] # SQLAlchemy's


def named_type(type_: TypeEngine[Any]) -> Enum | DOMAIN | None:
    """Return the enum or domain that a type is or is an array of, if PostgreSQL has a type for it.

    Args:
        type_: The type of a column.
    """
    if isinstance(type_, TypeDecorator):
        return named_type(type_.load_dialect_impl(_dialect))
    if isinstance(type_, ARRAY):
        return named_type(type_.item_type)
    is_named = isinstance(type_, DOMAIN) or (isinstance(type_, Enum) and type_.native_enum)
    return type_ if is_named else None  # type: ignore[return-value] # one of the two


def copied(table: Table, metadata: MetaData, **options: Any) -> Table:  # noqa: ANN401 - SQLAlchemy's
    """Return a copy of a table whose enums and domains have the schemas of the original's.

    Args:
        table: The table.
        metadata: The metadata of the copy.
        options: Options of ``Table.to_metadata``.
    """
    copy = table.to_metadata(metadata, **options)
    for column, original in zip(copy.columns, table.columns, strict=True):
        # SQLAlchemy gives a copied type the schema of the table.
        copied_type, source = named_type(column.type), named_type(original.type)
        if copied_type is not None and source is not None:
            copied_type.schema = source.schema
    info = {index.name: index.info for index in table.indexes}
    for index in copy.indexes:
        index.info.update(info.get(index.name, {}))
    return copy
