"""The state of a table, as far as it is compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from townhall.migrate.operations.comments import Kind
from townhall.pg import catalog

SERIAL = "nextval()"
"""The default of a column whose values are the next ones of a sequence."""

Part = tuple[Kind, str]
"""A constraint or an index of a table, by its kind and name."""


@dataclass(frozen=True)
class TableState:
    """A table as PostgreSQL describes it.

    Attributes:
        columns: The type, collation, default and so on of each column, by name.
        constraints: The definitions, by name, of checks, exclusions, unique constraints, the
            primary key and those foreign keys that are not valid.
        foreign_keys: The definitions of the valid foreign keys, by name.
        indexes: The definitions of the other indexes, by name.
        comments: The comments on constraints and indexes, foreign keys included.
        inherited: Those of the constraints that only a parent table has; it is not compared.
        described: The columns as the catalogs describe them, by name.
        owner: The owner, where that is not the current role; it is not compared.
    """

    columns: Mapping[str, Mapping[str, Any]]
    constraints: Mapping[str, str]
    foreign_keys: Mapping[str, str]
    indexes: Mapping[str, str]
    comments: Mapping[Part, str]
    inherited: Mapping[str, str] = field(compare=False)
    described: Mapping[str, catalog.Column] = field(compare=False)
    owner: str | None = field(compare=False)


def read_tables(
    connection: Connection, schemas: Sequence[str]
) -> dict[catalog.TableName, TableState]:
    """Return the states of the tables in some schemas.

    Args:
        connection: A connection within a transaction.
        schemas: Names of schemas.
    """
    with catalog.empty_search_path(connection):
        tables = catalog.read_tables(connection, schemas)
    return {
        (table.schema, table.name): TableState(
            columns={name: _column(each) for name, each in table.columns.items()},
            constraints={
                name: each.definition
                for name, each in table.constraints.items()
                # Alembic compares foreign keys, but not whether they were ever validated.
                if not _is_valid_foreign_key(each)
            },
            foreign_keys={
                name: each.definition
                for name, each in table.constraints.items()
                if _is_valid_foreign_key(each)
            },
            indexes={name: _index(each) for name, each in table.indexes.items()},
            comments=_comments(table),
            inherited={
                name: each.definition
                for name, each in table.constraints.items()
                if each.is_inherited
            },
            described=table.columns,
            owner=table.owner,
        )
        for table in tables
        if table.kind != "foreign table"
    }


def _is_valid_foreign_key(constraint: catalog.Constraint) -> bool:
    return constraint.kind == "foreign key" and constraint.is_validated


def _comments(table: catalog.Table) -> dict[Part, str]:
    found: dict[Part, str] = {}
    for name, constraint in table.constraints.items():
        if constraint.comment is not None:
            found["constraint", name] = constraint.comment
    for name, index in table.indexes.items():
        if index.comment is not None:
            found["index", name] = index.comment
    return found


def _column(column: catalog.Column) -> Mapping[str, Any]:
    return {
        "type": column.type,
        "null": column.is_nullable,
        # The name of its sequence contains that of the table.
        "default": SERIAL if column.sequence else column.default,
        "computed": column.computed and f"{column.computed} {column.storage}",
        "identity": list(column.identity),
        "sequence": list(column.sequence_options),
        "collation": column.collation,
    }


def _index(index: catalog.Index) -> str:
    unique = "UNIQUE " if index.is_unique else ""
    invalid = "" if index.is_valid else "INVALID "
    return f"{unique}{invalid}{index.method_and_columns}"
