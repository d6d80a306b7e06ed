"""The tables as the revisions make them that create them.

An existing table is brought to that state before the upgrade, since later revisions change it with
rules of their own: what they add has values that they compute, and they may rename it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection, text

from townhall.pg.catalog import Table, TableName, empty_search_path, read_tables


@dataclass(frozen=True)
class CreatedTable:
    """A table, and the revision that creates it.

    Attributes:
        revision: The revision.
        table: The table behind that revision.
        name: Its schema and name at head; None where a later revision drops it.
    """

    revision: str
    table: Table
    name: TableName | None = None


class CreatedTables:
    """Watches a scratch database while revisions run in it."""

    def __init__(self, connection: Connection, left_out: Collection[str]) -> None:
        """Take note of the tables that are there.

        Args:
            connection: A connection to the scratch database.
            left_out: Schemas that are not watched, such as a platform's.
        """
        self._left_out = sorted(left_out)
        self._former = set(self._names(connection))
        self._made: dict[int, CreatedTable] = {}

    def after(self, revision: str, connection: Connection) -> None:
        """Remember the tables that a revision has created.

        Args:
            revision: The revision.
            connection: A connection to the scratch database.
        """
        was_in_transaction = connection.in_transaction()
        new = {
            name: id_
            for id_, name in self._names(connection).items()
            if id_ not in self._former and id_ not in self._made
        }
        if new:
            with empty_search_path(connection):
                tables = read_tables(connection, sorted({schema for schema, _ in new}))
            for table in tables:
                if (table.schema, table.name) in new:
                    self._made[new[table.schema, table.name]] = CreatedTable(revision, table)
        if not was_in_transaction:
            connection.rollback()

    def at_head(self, connection: Connection) -> list[CreatedTable]:
        """Return the tables with their last names.

        Args:
            connection: A connection to the scratch database at head.
        """
        names = self._names(connection)
        return [replace(each, name=names.get(id_)) for id_, each in self._made.items()]

    def _names(self, connection: Connection) -> Mapping[int, TableName]:
        found = connection.execute(text(_NAMES), {"left_out": self._left_out})
        return {row.id: (row.schema, row.name) for row in found}


_NAMES = """
    select c.oid::bigint as id, n.nspname as schema, c.relname as name
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p')
        and n.nspname !~ '^pg_'
        and n.nspname <> 'information_schema'
        and n.nspname <> all (:left_out)
        and c.relname <> 'alembic_version'
"""
