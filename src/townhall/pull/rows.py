"""Rows, which no pull has: those of tables, storage buckets and cron jobs."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, exists, literal, select, text, union_all

from townhall.pg import sql
from townhall.pg.catalog import TableName

_BUCKETS = ("storage bucket", "storage.buckets", "id")
_JOBS = ("cron job", "cron.job", "coalesce(jobname, jobid::text)")


def read_rows(connection: Connection, tables: Iterable[TableName]) -> list[tuple[str, str]]:
    """Return the kind and the name of what is kept as rows.

    Args:
        connection: A connection within a transaction.
        tables: The tables that are pulled.
    """
    return [
        *(("rows of a table", name) for name in _filled(connection, tables)),
        *(
            (kind, str(name))
            for kind, table, column in (_BUCKETS, _JOBS)
            if _is_readable(connection, table)
            for name in connection.execute(select(text(column)).select_from(text(table))).scalars()
        ),
    ]


def _filled(connection: Connection, tables: Iterable[TableName]) -> list[str]:
    names = [sql.qualified(*name) for name in tables]
    readable = [name for name in names if _is_readable(connection, name)] if names else []
    if not readable:
        return []
    filled = [
        select(literal(name)).where(exists(select(text("1")).select_from(text(name))))
        for name in readable
    ]
    return sorted(connection.execute(union_all(*filled)).scalars())


def _is_readable(connection: Connection, table: str) -> bool:
    query = "select coalesce(has_table_privilege(to_regclass(%(table)s), 'select'), false)"
    return bool(connection.exec_driver_sql(query, {"table": table}).scalar_one())
