"""What a month of usage costs when there are ten times as many events, and what a rename pauses."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, NullPool, create_engine, text

from tests.benchmarks.frame import Bench, Comparisons, Measurement, Side, Taken, timed
from townhall.domains.coaching import usage_summary
from townhall.migrate import upgrade
from townhall.testing.databases import Databases

_TENANTS = 1_000
_MONTH = date(2026, 5, 1)

_EVENTS = text(
    """
    insert into public.usage_events (
        tenant_id, event_type, model_used, tokens_used, cost_cents, created_at
    )
    select
        t.ids[1 + n % cardinality(t.ids)],
        (array['chat', 'report', 'visit'])[1 + n % 3],
        (array['large', 'small', null])[1 + n / 7 % 3],
        n % 5000,
        n % 100 / 10.0,
        cast(:start as timestamptz) + (n % 365) * interval '1 day' + n % 86400 * interval '1 second'
    from generate_series(cast(:first as integer), cast(:last as integer)) as n,
        (
            -- Without the tenant of a revision, whose id differs from one database to the next.
            select array_agg(id order by slug) as ids
            from public.tenant_profiles
            where slug like 'tenant-%'
        ) as t
    """
)
_TENANT_ROWS = text(
    """
    insert into public.tenant_profiles (id, slug, display_name)
    select cast(md5(cast(n as text)) as uuid), 'tenant-' || n, 'Tenant'
    from generate_series(1, :n) as n
    """
)


@contextmanager
def _measurements(bench: Bench) -> Iterator[Sequence[Measurement]]:
    few = max(bench.rows // 10, 1)
    with ExitStack() as stack:
        at_few, at_all = (stack.enter_context(_connected(bench.databases)) for _ in range(2))
        for connection in (at_few, at_all):
            connection.execute(_TENANT_ROWS, {"n": _TENANTS})
            _add(connection, 1, few, "2026-01-01")
        # Of the year after, so that the month that is asked for stays as large as it was.
        _add(at_all, few + 1, bench.rows, "2027-01-01")
        tenant = at_all.scalar(
            text("select id from public.tenant_profiles where slug = 'tenant-7'")
        )
        yield [
            *(
                Measurement(
                    f"{name} at {bench.rows:,} events",
                    _summary(at_all, of),
                    _summary(at_few, of),
                    f"at {few:,} events",
                    1.3,
                )
                for name, of in (("a tenant's month", tenant), ("the month of all tenants", None))
            ),
            _rename(bench),
        ]


def _summary(connection: Connection, tenant: UUID | None) -> Side:
    return timed(lambda: connection.execute(usage_summary(_MONTH, tenant)).all())


@contextmanager
def _connected(databases: Databases) -> Iterator[Connection]:
    with databases.create() as url:
        upgrade(url)
        engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            yield connection


def _add(connection: Connection, first: int, last: int, start: str) -> None:
    connection.execute(_EVENTS, {"first": first, "last": last, "start": start})
    connection.execute(text("vacuum analyze public.usage_events"))


def _rename(bench: Bench) -> Measurement:
    """Compare the longest wait of an application while its table is renamed with its usual one."""
    rows = max(bench.rows // 10, 1)
    return Measurement(
        f"the longest write by the old name while a table of {rows:,} rows is renamed",
        lambda: Taken(max(_writes_during_the_rename(bench.databases, rows))),
        lambda: Taken(statistics.median(_writes_during_the_rename(bench.databases, rows))),
        "the median write",
    )


def _writes_during_the_rename(databases: Databases, rows: int) -> list[float]:
    with databases.create() as url:
        upgrade(url, "townhall_0023")
        engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("insert into public.campaigns (name) values ('Campaign')"))
            connection.execute(
                text(
                    """
                    insert into public.campaign_assignments (campaign_id, status)
                    select c.id, 'completed'
                    from public.campaigns as c, generate_series(1, :n)
                    """
                ),
                {"n": rows},
            )
            waits: list[float] = []
            done = threading.Event()
            application = threading.Thread(target=_write, args=(connection, waits, done))
            application.start()
            try:
                upgrade(url, "townhall_0026")
            finally:
                done.set()
                application.join()
    return waits


def _write(connection: Connection, waits: list[float], done: threading.Event) -> None:
    statement = text(
        "insert into public.campaign_assignments (campaign_id) select id from public.campaigns"
    )
    while not done.is_set():
        begin = time.perf_counter()
        connection.execute(statement)
        waits.append(time.perf_counter() - begin)


GROUP = Comparisons("usage", _measurements)
