"""Append-only tables: by month, and with BRIN, beside one table with B-trees.

All have the same rows, indexes, foreign keys, triggers and policies. What changes rows is rolled
back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from uuid import UUID

from sqlalchemy import Connection, create_engine, text

from tests.benchmarks.frame import Bench, Measurement, Outcome, Side, Taken, measured
from tests.benchmarks.groups.growth_data import (
    BY_MONTH,
    COACH,
    GROWING,
    PLAIN,
    QUIET_TENANT,
    TENANT,
    WITH_BRIN,
    Growing,
    fill,
    month_of,
    partition,
    user,
)
from tests.benchmarks.groups.literal import literal
from townhall.domains.coaching import newest_usage, usage_summary
from townhall.migrate import upgrade
from townhall.testing import acting

_SUMMARIZED = date(2026, 5, 1)
_LAST_MONTH = "timestamptz '2027-12-20 00:00+00' + n * interval '1 second'"
_BESIDE = "one table with B-trees"


@dataclass(frozen=True)
class Growth:
    """The tables by month and with BRIN, and how large each is.

    Attributes:
        name: As in :class:`tests.benchmarks.frame.Group`.
    """

    name: str = "growth"

    def run(self, bench: Bench) -> Outcome:
        """Fill the tables, and measure one after the other."""
        with bench.databases.create() as url:
            upgrade(url)
            engine = create_engine(url)
            with engine.begin() as connection:
                fill(connection, bench.rows)
            with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
                connection.exec_driver_sql("vacuum analyze")
                sizes = _sizes(connection)
            with engine.connect() as connection:
                figures = [measured(each, bench.seconds) for each in _measurements(connection)]
            engine.dispose()
        return Outcome(figures, sizes)


def _measurements(connection: Connection) -> Iterator[Measurement]:
    usage = GROWING[0]
    for table in GROWING:
        for name, run in _of_each(table):
            yield _compared(connection, f"`{table.name}` by month: {name}", run, BY_MONTH)
    for name, run in _of_usage(usage):
        yield _compared(connection, f"`{usage.name}` by month: {name}", run, BY_MONTH)
    for name, run in (*_of_each(usage), *_of_usage(usage)):
        yield _compared(connection, f"`{usage.name}` with BRIN: {name}", run, WITH_BRIN)
    for table in GROWING:
        yield Measurement(
            f"`{table.name}`: a month of rows dropped with its partition",
            _changing(connection, BY_MONTH, f"drop table {partition(table, 0)}"),
            _changing(connection, PLAIN, f"delete from {table.name} where {month_of(table, 0)}"),
            "deleted, before any vacuum",
        )


_Run = Callable[[Connection, str], Side]
"""Makes a side of a connection and the schema whose tables it is about."""


def _compared(connection: Connection, name: str, run: _Run, schema: str) -> Measurement:
    return Measurement(name, run(connection, schema), run(connection, PLAIN), _BESIDE)


def _of_each(table: Growing) -> Iterator[tuple[str, _Run]]:
    yield "10,000 rows added in one statement", partial(_adding, table=table, size=10_000, times=1)
    yield "100 rows added one by one", partial(_adding, table=table, size=1, times=100)
    newest = f"""
        select id from {table.name}
        where {table.person} = '{user(7)}' order by {table.time} desc limit 50
    """
    yield "the newest 50 of an account", partial(_reading, query=newest)
    erase = f"{table.erase} where {table.person} = '{user(8)}'"
    yield "an account erased", partial(_changing, statement=erase)


def _of_usage(table: Growing) -> Iterator[tuple[str, _Run]]:
    for name, tenant in (("a tenant", TENANT), ("a tenant that is gone for long", QUIET_TENANT)):
        newest = f"""
            select id from {table.name}
            where tenant_id = '{tenant}' order by created_at desc limit 50
        """
        yield f"the newest 50 of {name}", partial(_reading, query=newest, reader=COACH)
    yield "`newest_usage()`", partial(_reading, query=literal(newest_usage()), reader=COACH)
    # Computed before the index is used, as the id of a request is known before.
    oldest = f"(select id from {PLAIN}.{table.name} order by created_at limit 1)"
    one = f"select id from {table.name} where id = {oldest}"
    yield "one event by its id", partial(_reading, query=one)
    month = literal(usage_summary(_SUMMARIZED, TENANT))
    yield "a tenant's month", partial(_reading, query=month, reader=COACH)
    yield "the month of all tenants", partial(_reading, query=literal(usage_summary(_SUMMARIZED)))


def _reading(connection: Connection, schema: str, query: str, reader: UUID | None = None) -> Side:
    def side() -> Taken:
        with _in_schema(connection, schema, reader):
            begin = time.perf_counter()
            rows = connection.exec_driver_sql(query, execution_options=_NO_PARAMETERS).all()
            return Taken(time.perf_counter() - begin, {tuple(row) for row in rows})

    return side


def _adding(connection: Connection, schema: str, table: Growing, size: int, times: int) -> Side:
    statement = text(table.insert(_LAST_MONTH))

    def side() -> Taken:
        with _in_schema(connection, schema):
            begin = time.perf_counter()
            for number in range(times):
                connection.execute(statement, {"first": number + 1, "last": number + size})
            return Taken(time.perf_counter() - begin)

    return side


def _changing(connection: Connection, schema: str, statement: str) -> Side:
    def side() -> Taken:
        with _in_schema(connection, schema):
            begin = time.perf_counter()
            connection.exec_driver_sql(statement, execution_options=_NO_PARAMETERS)
            return Taken(time.perf_counter() - begin)

    return side


@contextmanager
def _in_schema(connection: Connection, schema: str, reader: UUID | None = None) -> Iterator[None]:
    """Let the names of tables mean those of a schema, as a reader or the superuser; undo all."""
    with connection.begin() as transaction:
        if reader is None:
            connection.exec_driver_sql(f"set local search_path = {schema}, public")
            yield
        else:
            with acting(connection, "authenticated", reader):
                connection.exec_driver_sql(f"set local search_path = {schema}, public")
                yield
        transaction.rollback()


def _sizes(connection: Connection) -> str:
    """Return what the tables take on the disk, as a table in Markdown."""
    lines = ["| table | form | heap | indexes |", "|---|---|--:|--:|"]
    for table in GROWING:
        for schema in (PLAIN, BY_MONTH, WITH_BRIN):
            heap, indexes = connection.execute(
                text(_SIZE), {"relation": f"{schema}.{table.name}"}
            ).one()
            if heap is not None:
                lines.append(f"| `{table.name}` | {_FORMS[schema]} | {heap} | {indexes} |")
    return "\n".join(lines)


_NO_PARAMETERS = {"no_parameters": True}
_FORMS = {PLAIN: "one table", BY_MONTH: "by month", WITH_BRIN: "with BRIN"}
_SIZE = """
    select pg_size_pretty(sum(pg_table_size(oid))), pg_size_pretty(sum(pg_indexes_size(oid)))
    from (
        select to_regclass(:relation) as oid
        union
        select relid from pg_partition_tree(to_regclass(:relation))
    ) as t
"""

GROUP = Growth()
