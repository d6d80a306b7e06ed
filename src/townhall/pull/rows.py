"""Rows, which no pull has: those of tables, storage buckets and cron jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from townhall.migrate.savepoints import attempt
from townhall.pg import sql
from townhall.pg.catalog import TableName

_OF_PLATFORM: Mapping[str, tuple[TableName, str]] = {
    "storage bucket": (("storage", "buckets"), "id"),
    "cron job": (("cron", "job"), "coalesce(jobname, jobid::text)"),
}
"""The table of each kind, and what names a row."""


def read_rows(connection: Connection, tables: Iterable[TableName]) -> list[tuple[str, str]]:
    """Return the kind and the name of what is kept as rows, as far as the role may read it.

    Args:
        connection: A connection within a transaction.
        tables: The tables that are pulled.
    """
    readable = {(str(schema), str(name)) for schema, name in _rows(connection, _READABLE)}
    found = [
        (kind, str(name))
        for kind, (table, column) in _OF_PLATFORM.items()
        if table in readable
        for (name,) in _rows(connection, f"select {column} from {sql.qualified(*table)}")
    ]
    return [*found, *_of_tables(connection, sorted(readable & {*tables}))]


def _of_tables(connection: Connection, tables: Sequence[TableName]) -> list[tuple[str, str]]:
    filled: list[str] = []

    def find() -> None:
        queries = [
            f"select {sql.literal(name)} where exists (select from {name})"
            for name in (sql.qualified(*each) for each in tables)
        ]
        filled.extend(name for (name,) in _rows(connection, " union all ".join(queries)))

    if not tables:
        return []
    if attempt(connection, find) is None:
        return [("rows of a table", name) for name in filled]
    # A policy that fails holds for an owner as well where row level security is forced.
    if len(tables) == 1:
        return [("rows that a policy refuses to read", sql.qualified(*tables[0]))]
    return [row for each in tables for row in _of_tables(connection, [each])]


_READABLE = """
    select n.nspname, c.relname
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p')
        and pg_catalog.has_schema_privilege(n.oid, 'usage')
        and pg_catalog.has_table_privilege(c.oid, 'select')
"""


def _rows(connection: Connection, query: str) -> Sequence[tuple[Any, ...]]:
    # As it is: a name may have a colon or a percent sign.
    found = connection.exec_driver_sql(query, execution_options={"no_parameters": True})
    return [tuple(row) for row in found]
