"""What a month of usage costs at ten million events, and how long the rename locks its table.

    DATABASE_URL=… python -m tests.benchmarks.coaching

makes databases of its own on that server and drops them again. Smaller: ``--events 1000000``.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, NullPool, create_engine, text

from townhall.domains.coaching import usage_summary
from townhall.migrate import resolve_url, upgrade
from townhall.testing.databases import Databases

TENANTS = 1_000
ROUNDS = 21
ASSIGNMENTS = 100_000

EVENTS = text(
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
        (select array_agg(id) as ids from public.tenant_profiles) as t
    """
)


def main() -> None:
    """Measure both, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    events = parser.parse_args().events
    server = resolve_url().render_as_string(hide_password=False)
    measure_usage(Databases(server), events)
    measure_rename(Databases(server))


def measure_usage(databases: Databases, events: int) -> None:
    """Time a month's summary at a tenth of the events, and at all of them.

    Args:
        databases: The server.
        events: How many events there are in the end.
    """
    with databases.create() as url:
        upgrade(url)
        engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            tenant = _make_tenants(connection)
            few = events // 10
            _add(connection, 1, few, "2026-01-01")
            before = _time(connection, tenant)
            # Of the year after, so that the month that is asked for stays as large as it was.
            _add(connection, few + 1, events, "2027-01-01")
            after = _time(connection, tenant)
    for name, at_few, at_all in zip(
        ("a tenant's month", "all tenants"), before, after, strict=True
    ):
        _tell(
            f"{name}: {at_few:.1f} ms at {few:,} events, {at_all:.1f} ms at {events:,}"
            f" (ratio {at_all / at_few:.2f})"
        )


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _make_tenants(connection: Connection) -> UUID:
    connection.execute(
        text(
            "insert into public.tenant_profiles (slug, display_name)"
            " select 'tenant-' || n, 'Tenant' from generate_series(1, :n) as n"
        ),
        {"n": TENANTS},
    )
    found = connection.execute(
        text("select id from public.tenant_profiles where slug = 'tenant-7'")
    )
    tenant: UUID = found.scalar_one()
    return tenant


def _add(connection: Connection, first: int, last: int, start: str) -> None:
    connection.execute(EVENTS, {"first": first, "last": last, "start": start})
    connection.execute(text("vacuum analyze public.usage_events"))


def _time(connection: Connection, tenant: UUID) -> tuple[float, float]:
    """Return the median milliseconds of the month of one tenant and of all tenants."""
    return _median(connection, tenant), _median(connection, None)


def _median(connection: Connection, tenant: UUID | None) -> float:
    statement = usage_summary(date(2026, 5, 1), tenant)
    times = []
    for _ in range(ROUNDS if tenant else 5):
        begin = time.perf_counter()
        connection.execute(statement).all()
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1000


def measure_rename(databases: Databases) -> None:
    """Time the longest that an application waits while its table is renamed and filled.

    Args:
        databases: The server.
    """
    with databases.create() as url:
        upgrade(url, "townhall_0023")
        engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("insert into public.campaigns (name) values ('Campaign')"))
            connection.execute(
                text(
                    "insert into public.campaign_assignments (campaign_id, status)"
                    " select c.id, 'completed'"
                    " from public.campaigns as c, generate_series(1, :n)"
                ),
                {"n": ASSIGNMENTS},
            )
            waits: list[float] = []
            done = threading.Event()
            application = threading.Thread(target=_write, args=(connection, waits, done))
            application.start()
            begin = time.perf_counter()
            upgrade(url, "townhall_0026")
            whole = time.perf_counter() - begin
            done.set()
            application.join()
    _tell(
        f"the rename of {ASSIGNMENTS:,} rows: {whole:.2f} s in all; of {len(waits)} writes by the"
        f" old name meanwhile the longest took {max(waits) * 1000:.0f} ms,"
        f" the median {statistics.median(waits) * 1000:.1f} ms"
    )


def _write(connection: Connection, waits: list[float], done: threading.Event) -> None:
    statement = text(
        "insert into public.campaign_assignments (campaign_id) select id from public.campaigns"
    )
    while not done.is_set():
        begin = time.perf_counter()
        connection.execute(statement)
        waits.append(time.perf_counter() - begin)


if __name__ == "__main__":
    main()
