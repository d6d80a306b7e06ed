"""Which schemas of what is declared are missing in a database."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from townhall.migrate.operations.schemas import CreateSchemaOp
from townhall.pg import catalog


def missing_schemas(connection: Connection, names: Iterable[str]) -> list[CreateSchemaOp]:
    """Return what creates those of some schemas that are not there.

    Args:
        connection: A connection to the database.
        names: Names of schemas.
    """
    wanted = sorted(set(names))
    found = {row["name"] for row in catalog.rows(connection, _QUERY, wanted)}
    return [CreateSchemaOp(name) for name in wanted if name not in found]


_QUERY = "select nspname as name from pg_catalog.pg_namespace where nspname = any (%(schemas)s)"
