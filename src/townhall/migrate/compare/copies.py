"""Copies of declared tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ARRAY, Constraint, Enum, MetaData, Table, TypeDecorator
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.types import TypeEngine

_dialect = PGDialect()  # type: ignore[no-untyped-call] # SQLAlchemy's

_MAY_BE_NAMED = (ARRAY, DOMAIN, Enum, TypeDecorator)


def named_type(type_: TypeEngine[Any]) -> Enum | DOMAIN | None:
    """Return the enum or domain that a type is or is an array of, if PostgreSQL has a type for it.

    Args:
        type_: The type of a column.
    """
    if not isinstance(type_, _MAY_BE_NAMED):  # nearly always
        return None
    if isinstance(type_, TypeDecorator):
        return named_type(type_.load_dialect_impl(_dialect))
    if isinstance(type_, ARRAY):
        return named_type(type_.item_type)
    return type_ if isinstance(type_, DOMAIN) or type_.native_enum else None


def options_of(item: Table | Constraint) -> Mapping[str, Any]:
    """Return the options of a table or a constraint that are PostgreSQL's, such as ``with``.

    Args:
        item: The table or constraint.
    """
    # SQLAlchemy would make the options of one that has none, which takes as long as all the rest.
    return item.dialect_options.get("postgresql", {})


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
