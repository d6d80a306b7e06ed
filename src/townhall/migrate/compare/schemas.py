"""Declared schemas that are missing in a database."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from townhall.migrate.operations.schemas import CreateSchemaOp
from townhall.pg import catalog


def missing_schemas(connection: Connection, names: Iterable[str]) -> list[CreateSchemaOp]:
    """Return the operations that create missing schemas.

    Args:
        connection: A connection to the database.
        names: The declared schemas.
    """
    declared = sorted(set(names))
    actual = {schema.name for schema in catalog.read_schemas(connection, declared)}
    return [CreateSchemaOp(name) for name in declared if name not in actual]
