"""Declared tables under the names that the database has for them.

PostgreSQL cuts names of more than 63 bytes and folds those without quotes, and ``public`` written
out is the schema of a table without one. In metadata with a schema, Alembic takes a table without
one that a foreign key refers to for a table of that schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    Column,
    Constraint,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Table,
)
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.exc import NoReferencedTableError
from sqlalchemy.schema import BLANK_SCHEMA, conv

from townhall.migrate.compare.copies import copied, named_type
from townhall.pg import sql
from townhall.pg.dialect import named_dialect

_DEFAULT_SCHEMA = "public"
_IN_DEFAULT_SCHEMA = f"{_DEFAULT_SCHEMA}."
_preparer = named_dialect().identifier_preparer


def with_names_of_database(metadata: MetaData) -> MetaData:
    """Return metadata whose tables and their parts have the names that the database has for them.

    Metadata that has them already is returned unchanged, as nearly all has.

    Args:
        metadata: Declared tables.
    """
    if not any(map(_has_other_names, metadata.tables.values())):
        return metadata
    copy = MetaData(naming_convention=metadata.naming_convention)
    others = [_copied_name(table, copy) for table in _referred_elsewhere(metadata)]
    for table in metadata.tables.values():
        _shorten_names(_copied(table, copy))
    for table in others:
        # Foreign keys keep what they have found.
        _shorten_names(table)
        copy.remove(table)
    return copy


def final_name(item: Constraint | Index) -> str | None:
    """Return the name of a declared constraint or index in the database; None without a name.

    Args:
        item: The constraint or index, whose name may be one of a naming convention.
    """
    if not item.name:
        return None
    # A name that a naming convention made is shortened by SQLAlchemy, any other by PostgreSQL.
    if isinstance(item.name, str) and not isinstance(item.name, conv):
        return sql.stored(item.name)
    name = _preparer.format_constraint(item, _alembic_quote=False)
    return None if name is None else sql.shortened(name)


def _has_other_names(table: Table) -> bool:
    return (
        table.schema == _DEFAULT_SCHEMA
        or (table.metadata.schema is not None and bool(table.foreign_keys))
        or any(key.target_fullname.startswith(_IN_DEFAULT_SCHEMA) for key in table.foreign_keys)
        or any(each.schema == _DEFAULT_SCHEMA for each in _types(table))
        or any(sql.stored(name) != name for name in _plain_names(table))
    )


def _types(table: Table) -> Iterator[Enum | DOMAIN]:
    for column in table.columns:
        if (found := named_type(column.type)) is not None:
            yield found


def _plain_names(table: Table) -> Iterator[str]:
    yield from [column.name for column in table.columns]
    yield from [each.name for each in _named(table) if isinstance(each.name, str)]


def _named(table: Table) -> list[Constraint | Index]:
    parts: list[Constraint | Index] = [*table.constraints, *table.indexes]
    return [each for each in parts if isinstance(each.name, str)]


def _copied(table: Table, metadata: MetaData) -> Table:
    def referred(
        _table: object, _schema: object, key: ForeignKeyConstraint, schema: str | None
    ) -> object:
        schema = _referred_schema(key, schema)
        return BLANK_SCHEMA if schema in {None, _DEFAULT_SCHEMA} else schema

    copy = copied(
        table,
        metadata,
        # None is the schema of the metadata, which has none.
        schema=None if table.schema == _DEFAULT_SCHEMA else table.schema,
        referred_schema_fn=referred,
    )
    for each in _types(copy):
        each.schema = None if each.schema == _DEFAULT_SCHEMA else each.schema
    return copy


def _referred_elsewhere(metadata: MetaData) -> set[Table]:
    keys = [key for table in metadata.tables.values() for key in table.foreign_keys]
    tables = {column.table for key in keys if (column := _column_of(key)) is not None}
    return {table for table in tables if table.metadata is not metadata}


def _copied_name(table: Table, metadata: MetaData) -> Table:
    columns: list[Column[Any]] = [Column(each.name, key=each.key) for each in table.columns]
    schema = None if table.schema == _DEFAULT_SCHEMA else table.schema
    return Table(table.name, metadata, *columns, schema=schema)


def _column_of(key: ForeignKey) -> Column[Any] | None:
    try:
        return key.column
    except NoReferencedTableError:
        return None


def _referred_schema(key: ForeignKeyConstraint, written: str | None) -> str | None:
    # A column has its table; a name without a schema has that of the metadata.
    of_metadata = key.table.metadata.schema
    if of_metadata is None or written is not None:
        return written
    column = _column_of(key.elements[0])
    return of_metadata if column is None else column.table.schema


def _shorten_names(table: Table) -> None:
    for each in _named(table):
        # An index has no other name than a text.
        each.name = final_name(each)  # pyright: ignore[reportAttributeAccessIssue]
    for column in table.columns:
        column.name = sql.stored(column.name)
