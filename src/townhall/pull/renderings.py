"""Conditions of policies as PostgreSQL renders them, over tables that stand in for real ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Connection

from townhall.engines import engine_of
from townhall.migrate.savepoints import attempt, run_script
from townhall.pg import Function, catalog, ddl, sql
from townhall.pg.catalog import Column, TableName


@contextmanager
def renderings(database: URL) -> Iterator[Renderings]:
    """Yield the renderings of a server, of which nothing is left.

    Args:
        database: A scratch database that has the platform's functions and nothing else.
    """
    with (
        engine_of(database).connect() as connection,
        catalog.empty_search_path(connection),
    ):
        yield Renderings(connection)
        connection.rollback()


class Renderings:
    """What PostgreSQL makes of conditions."""

    def __init__(self, connection: Connection) -> None:
        """Take the connection.

        Args:
            connection: A scratch database that has the platform's functions and nothing else.
        """
        self._connection = connection
        self._known: dict[tuple[TableName, str], frozenset[str]] = {}

    def add_functions(self, functions: Iterable[Function]) -> None:
        """Make functions without arguments callable, which return nothing.

        Args:
            functions: The functions.
        """
        for each in functions:
            self._try(
                ddl.create_schema(each.schema),
                f"create function {each.literal_name}() returns {each.returns} language plpgsql"
                " as 'begin end'",
            )

    def add_table(self, name: TableName, columns: Iterable[Column]) -> None:
        """Make a table whose columns conditions may name.

        Args:
            name: Its schema and name.
            columns: Its columns, as far as the conditions name them.
        """
        defined = ", ".join(f"{sql.quote(each.name)} {each.type}" for each in columns)
        self._try(ddl.create_schema(name[0]), f"create table {sql.qualified(*name)} ({defined})")

    def of(self, table: TableName, condition: str) -> frozenset[str]:
        """Return how PostgreSQL renders a condition, and how it renders that; none if it refuses.

        Args:
            table: The table, which was added.
            condition: The condition.
        """
        key = (table, condition)
        if key not in self._known:
            once = self._rendered(table, condition)
            again = None if once is None else self._rendered(table, once)
            self._known[key] = frozenset(each for each in (once, again) if each is not None)
        return self._known[key]

    def _rendered(self, table: TableName, condition: str) -> str | None:
        name = sql.qualified(*table)
        if not self._try(f"create policy rendered on {name} using ({condition})"):
            return None
        rendered = self._connection.exec_driver_sql(_RENDERED).scalar_one()
        run_script(self._connection, [f"drop policy rendered on {name}"])
        return str(rendered)

    def _try(self, *statements: str) -> bool:
        return attempt(self._connection, lambda: run_script(self._connection, statements)) is None


_RENDERED = """
    select pg_catalog.pg_get_expr(p.polqual, p.polrelid)
    from pg_catalog.pg_policy as p
    where p.polname = 'rendered'
"""
