"""Rows, which no pull has: those of tables, storage buckets and cron jobs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
            if _readable(connection, [table])
            for name in connection.execute(select(text(column)).select_from(text(table))).scalars()
        ),
    ]


def _filled(connection: Connection, tables: Iterable[TableName]) -> list[str]:
    names = _readable(connection, [sql.qualified(*name) for name in tables])
    if not names:
        return []
    filled = [
        select(literal(name)).where(exists(select(text("1")).select_from(text(name))))
        for name in names
    ]
    return sorted(connection.execute(union_all(*filled)).scalars())


def _readable(connection: Connection, tables: Sequence[str]) -> Sequence[str]:
    query = """
        select t.name
        from unnest(%(tables)s::text[]) as t (name)
        where has_table_privilege(to_regclass(t.name), 'select')
    """
    return connection.exec_driver_sql(query, {"tables": [*tables]}).scalars().all()
