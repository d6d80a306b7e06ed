"""The usage of tenants: logging, constraints and monthly sums."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

from tests.coaching.data import (
    OTHER_TENANT,
    OTHER_USAGE,
    OUTSIDER,
    OWNER,
    PARTICIPANT,
    TENANT,
    USAGE,
)
from tests.support.blocked import wait_for_a_lock
from townhall import UsageEvent
from townhall.domains.coaching import delete_usage, log_usage_event, usage_summary
from townhall.input_error import InputError
from townhall.session import AsyncSessionFactory, ReadOnlyError, SessionFactory
from townhall.testing import acting

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

FIGURES = ("events", "tokens_used", "cost_cents")


def _event(connection: Connection, call: str) -> UsageEvent:
    """Log by SQL as the service, and return the event."""
    with acting(connection, "service_role"):
        logged = connection.scalar(text(f"select public.log_usage_event({call})"))
    row = connection.execute(select(UsageEvent).where(UsageEvent.id == logged))
    return row.one()  # type: ignore[return-value]  # a row with its columns


def test_sql_logs_an_event_with_every_argument(connection: Connection) -> None:
    call = f"'{TENANT}', 'chat', '{{\"a\": 1}}', '{PARTICIPANT}', 5000000000, 'opus', 12.3456"
    event = _event(connection, call)
    assert (event.tenant_id, event.event_type, event.event_data) == (TENANT, "chat", {"a": 1})
    assert (event.user_id, event.tokens_used, event.model_used) == (PARTICIPANT, 5 * 10**9, "opus")
    assert event.cost_cents == Decimal("12.3456")
    assert event.created_at is not None


@pytest.mark.parametrize(
    "call",
    [
        f"'{TENANT}', 'page_view'",
        f"p_event_type => 'page_view', p_tenant_id => '{TENANT}'",
        f"'{TENANT}', 'page_view', null, null, null, null, null",
    ],
)
def test_later_arguments_are_optional(connection: Connection, call: str) -> None:
    event = _event(connection, call)
    assert (event.tenant_id, event.event_type, event.event_data) == (TENANT, "page_view", {})
    assert (event.user_id, event.tokens_used, event.model_used) == (None, 0, None)
    assert event.cost_cents == 0


def test_arguments_have_the_specified_names(connection: Connection) -> None:
    event = _event(
        connection,
        f"""
        p_tenant_id => '{TENANT}', p_event_type => 'chat', p_event_data => '{{}}',
        p_user_id => '{PARTICIPANT}', p_tokens_used => 1, p_model_used => 'haiku',
        p_cost_cents => 0.5
        """,
    )
    assert (event.tokens_used, event.model_used, event.cost_cents) == (1, "haiku", Decimal("0.5"))


def test_log_usage_event_returns_the_id(sessions: SessionFactory) -> None:
    with sessions.as_service() as session:
        logged = session.scalar(
            log_usage_event(
                TENANT,
                "chat",
                {"campaign": "leaders"},
                user_id=PARTICIPANT,
                tokens_used=321,
                model_used="opus",
                cost_cents=Decimal("0.0125"),
            )
        )
        assert isinstance(logged, UUID)
        event = session.get_one(UsageEvent, logged)
        assert (event.event_data, event.tokens_used) == ({"campaign": "leaders"}, 321)
        assert event.cost_cents == Decimal("0.0125")
        plain = session.get_one(UsageEvent, session.scalar(log_usage_event(TENANT, "visit")))
        assert plain.event_data == {}
        assert (plain.tokens_used, plain.cost_cents) == (0, Decimal(0))


@pytest.mark.thorough
async def test_events_are_logged_in_an_async_session(
    committed: Engine, townhall_async_engine: AsyncEngine
) -> None:
    del committed  # on the same database
    sessions = AsyncSessionFactory(townhall_async_engine)
    async with sessions.as_service() as session:
        logged = await session.scalar(log_usage_event(TENANT, "chat", tokens_used=1))
    async with sessions.as_user(OWNER) as session:
        assert (await session.get_one(UsageEvent, logged)).tokens_used == 1


def test_event_that_is_logged_twice_counts_once(sessions: SessionFactory) -> None:
    key = uuid4()
    with sessions.as_service() as session:
        for tokens in (7, 8):
            assert (
                session.scalar(log_usage_event(TENANT, "twice", tokens_used=tokens, id=key)) == key
            )
    with sessions.as_user(OWNER) as session:
        summary = session.execute(usage_summary(datetime.now(UTC).date(), TENANT)).all()
    assert [row[3:5] for row in summary if row.event_type == "twice"] == [(1, 7)]


def test_events_without_an_id_are_counted_each(connection: Connection) -> None:
    first, second = (_event(connection, f"'{TENANT}', 'each'") for _ in range(2))
    assert first.id != second.id


def test_sql_logs_an_event_once_for_each_id(connection: Connection) -> None:
    key = uuid4()
    for _ in range(2):
        event = _event(connection, f"'{TENANT}', 'twice', p_id => '{key}'")
        assert event.id == key
    count = select(func.count()).where(UsageEvent.event_type == "twice")
    assert connection.scalar(count) == 1


def test_id_of_an_event_of_another_tenant_is_refused(sessions: SessionFactory) -> None:
    """The event would neither be stored nor billed, and the caller would not know."""
    log = log_usage_event(TENANT, "chat", tokens_used=7, id=OTHER_USAGE)
    with (
        pytest.raises(IntegrityError, match=f"usage event {OTHER_USAGE} is not of tenant {TENANT}"),
        sessions.as_service() as session,
    ):
        session.scalar(log)


@pytest.mark.thorough
@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_event_that_was_logged_earlier_counts_once_in_every_isolation_level(
    committed: Engine, level: str
) -> None:
    sessions = SessionFactory(committed.execution_options(isolation_level=level))
    for _ in range(2):
        with sessions.as_service() as session:
            assert session.scalar(log_usage_event(TENANT, "twice", id=USAGE)) == USAGE
    with committed.connect() as connection:
        assert connection.scalar(select(func.count()).where(UsageEvent.event_type == "twice")) == 0


@pytest.mark.thorough
def test_event_that_is_logged_twice_at_once_counts_once(committed: Engine) -> None:
    key = uuid4()
    sessions = SessionFactory(committed)

    def log() -> UUID | None:
        with sessions.as_service() as session:
            return session.scalar(log_usage_event(TENANT, "twice", id=key))

    with ThreadPoolExecutor(1) as other:
        with sessions.as_service() as session:
            session.scalar(log_usage_event(TENANT, "twice", id=key))
            second = other.submit(log)
            wait_for_a_lock(committed)
        assert second.result(timeout=30) == key
    with committed.connect() as connection:
        count = select(func.count()).where(UsageEvent.id == key)
        assert connection.scalar(count) == 1


def test_event_that_is_reported_late_is_dated(connection: Connection) -> None:
    late = datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)
    event = _event(connection, f"'{TENANT}', 'late', p_created_at => '{late.isoformat()}'")
    assert event.created_at == late
    with acting(connection, "service_role"):
        logged = connection.scalar(log_usage_event(TENANT, "late", created_at=late))
    october = connection.execute(usage_summary(late.date(), TENANT)).all()
    assert [row.events for row in october] == [2]
    dated = select(UsageEvent.created_at).where(UsageEvent.id == logged)
    assert connection.scalar(dated) == late


def test_time_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        log_usage_event(TENANT, "late", created_at=datetime(2026, 10, 31))  # noqa: DTZ001 - the point


@pytest.mark.parametrize(
    "call",
    [
        "p_tokens_used => -1",
        "p_cost_cents => -0.0001",
        "p_cost_cents => 'NaN'",
        "p_created_at => 'infinity'",
        "p_created_at => '-infinity'",
        "p_created_at => '20000-01-01'",
        "p_created_at => '0100-01-01 BC'",
    ],
)
def test_function_refuses_figures_and_times_that_cannot_be_billed(
    connection: Connection, call: str
) -> None:
    with pytest.raises(IntegrityError, match="ck_usage_events_"):
        _event(connection, f"'{TENANT}', 'chat', {call}")


@pytest.mark.parametrize("user", [OWNER, OUTSIDER])
def test_log_usage_event_needs_the_service(sessions: SessionFactory, user: UUID) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied for function log_usage_event"),
        sessions.as_user(user) as session,
    ):
        session.scalar(log_usage_event(TENANT, "chat"))


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"tokens_used": -1}, "ck_usage_events_tokens_used_not_negative"),
        ({"cost_cents": Decimal("-0.0001")}, "ck_usage_events_cost_cents_not_negative"),
        ({"cost_cents": Decimal("NaN")}, "ck_usage_events_cost_cents_not_negative"),
        ({"event_data": text("'[]'")}, "ck_usage_events_event_data_is_object"),
        ({"event_type": text("null")}, "event_type"),
        ({"tenant_id": uuid4()}, "fk_usage_events_tenant_id_tenant_profiles"),
        ({"user_id": uuid4()}, "fk_usage_events_user_id_users"),
    ],
)
def test_invalid_event_is_refused(
    connection: Connection, values: dict[str, Any], constraint: str
) -> None:
    event = {"tenant_id": TENANT, "event_type": "chat"} | values
    with pytest.raises(IntegrityError, match=constraint):
        connection.execute(insert(UsageEvent).values(event))


@pytest.mark.parametrize("cost", ["100000000", "Infinity"])
def test_cost_has_at_most_eight_digits_before_the_point(connection: Connection, cost: str) -> None:
    with pytest.raises(DataError, match="numeric field overflow"):
        connection.execute(
            text(
                "insert into public.usage_events (event_type, cost_cents) values ('chat', :cost)"
            ).bindparams(cost=Decimal(cost))
        )


@pytest.fixture
def november(connection: Connection) -> Connection:
    """Return a connection to usage of two tenants in and around a November."""
    connection.execute(text("delete from public.usage_events"))
    month = datetime(2026, 11, 1, tzinfo=UTC)
    events = [
        (TENANT, "chat", "opus", month, 100, "1.5"),
        (TENANT, "chat", "opus", month + timedelta(days=29), 50, "0.25"),
        (TENANT, "chat", "haiku", month + timedelta(days=3), 10, "0.01"),
        (TENANT, "visit", None, datetime(2026, 11, 30, 23, 59, 59, 999999, UTC), 0, "0"),
        (TENANT, "chat", "opus", month - timedelta(microseconds=1), 1, "9"),
        (TENANT, "chat", "opus", datetime(2026, 12, 1, tzinfo=UTC), 1, "9"),
        (OTHER_TENANT, "chat", "opus", month, 7, "0.7"),
        (None, "chat", "opus", month, 3, "0.3"),
    ]
    columns = ("tenant_id", "event_type", "model_used", "created_at", "tokens_used", "cost_cents")
    connection.execute(
        insert(UsageEvent), [dict(zip(columns, event, strict=True)) for event in events]
    )
    return connection


MINE = [
    (TENANT, "chat", "haiku", 1, 10, Decimal("0.0100")),
    (TENANT, "chat", "opus", 2, 150, Decimal("1.7500")),
    (TENANT, "visit", None, 1, 0, Decimal("0.0000")),
]
OTHER = [(OTHER_TENANT, "chat", "opus", 1, 7, Decimal("0.7000"))]
WITHOUT_TENANT = [(None, "chat", "opus", 1, 3, Decimal("0.3000"))]


@pytest.mark.parametrize("day", [1, 15, 30])
def test_month_is_summed_by_tenant_event_type_and_model(november: Connection, day: int) -> None:
    with acting(november, "service_role"):
        summary = november.execute(usage_summary(date(2026, 11, day)))
        assert tuple(summary.keys())[3:] == FIGURES
        assert summary.all() == MINE + OTHER + WITHOUT_TENANT
        assert november.execute(usage_summary(date(2026, 11, 1), TENANT)).all() == MINE


@pytest.mark.parametrize(
    ("user", "expected"), [(OWNER, MINE), (OUTSIDER, OTHER), (PARTICIPANT, [])]
)
def test_summary_of_an_owner_has_only_their_tenant(
    november: Connection, user: UUID, expected: list[tuple[Any, ...]]
) -> None:
    with acting(november, "authenticated", user):
        assert november.execute(usage_summary(date(2026, 11, 1))).all() == expected
        others = TENANT if user == OUTSIDER else OTHER_TENANT
        assert november.execute(usage_summary(date(2026, 11, 1), others)).all() == []


@pytest.mark.parametrize(
    ("month", "events"), [(date(2026, 10, 31), 1), (date(2026, 12, 31), 1), (date(2027, 1, 1), 0)]
)
def test_month_ends_at_midnight_utc(november: Connection, month: date, events: int) -> None:
    november.execute(text("set local timezone = 'Asia/Jerusalem'"))
    summary = november.execute(usage_summary(month, TENANT)).all()
    assert sum(row.events for row in summary) == events


def test_sum_of_tokens_is_exact_beyond_bigint(sessions: SessionFactory) -> None:
    most = 2**63 - 1
    with sessions.as_service() as session:
        for _ in range(3):
            session.scalar(log_usage_event(TENANT, "large", tokens_used=most))
    with sessions.as_user(OWNER) as session:
        summary = session.execute(usage_summary(datetime.now(UTC).date(), TENANT))
        sums = {row.event_type: row.tokens_used for row in summary}
    assert sums["large"] == 3 * most
    assert type(sums["large"]) is int


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
@pytest.mark.parametrize("month", [date(2, 2, 1), date(2026, 3, 31), date(9998, 11, 30)], ids=str)
def test_any_month_starts_and_ends_at_midnight_utc(
    connection: Connection, month: date, zone: str
) -> None:
    first = f"{month.year:04}-{month.month:02}-01 00:00+00"
    connection.execute(text("set local timezone = 'UTC'"))
    for offset in ("0", "1 month - 1 microsecond", "1 month", "- 1 microsecond"):
        connection.execute(
            text(
                f"""
                insert into public.usage_events (tenant_id, event_type, created_at)
                values ('{TENANT}', 'edge', timestamptz '{first}' + interval '{offset}')
                """
            )
        )
    connection.execute(text(f"set local timezone = '{zone}'"))
    summary = connection.execute(usage_summary(month, TENANT))
    assert [row.events for row in summary if row.event_type == "edge"] == [2]


@pytest.mark.parametrize("month", [date(1, 1, 1), date(9999, 12, 31)], ids=str)
def test_first_and_last_month_of_the_calendar_have_a_summary(
    connection: Connection, month: date
) -> None:
    assert connection.execute(usage_summary(month, TENANT)).all() == []


def test_event_is_kept_without_tenant_and_user_when_they_are_deleted(
    connection: Connection,
) -> None:
    connection.execute(text("update public.usage_events set user_id = :user"), {"user": OWNER})
    connection.execute(text("delete from auth.users"))
    connection.execute(text("delete from public.tenant_profiles"))
    rows = connection.execute(select(UsageEvent.id, UsageEvent.tenant_id, UsageEvent.user_id))
    assert set(rows.all()) == {(USAGE, None, None), (OTHER_USAGE, None, None)}


KEPT = date(2026, 11, 17)
"""A day of the first month that is kept."""
OLD = {"2023-01-31 12:00+00": 2, "2026-10-31 23:59:59.999999+00": 3}
YOUNGER = {"2026-11-01 00:00+00": 2, "2026-11-17 00:00+00": 1, "2026-11-27 00:00+00": 1}


@pytest.fixture
def old_and_younger(connection: Connection) -> Connection:
    """Return a connection to usage of two tenants, and of none, before and after a month begins."""
    connection.execute(text("delete from public.usage_events"))
    events = [
        {"tenant_id": tenant, "event_type": "chat", "created_at": datetime.fromisoformat(time)}
        for time, count in (OLD | YOUNGER).items()
        for tenant in (TENANT, OTHER_TENANT, None)[:count]
    ]
    connection.execute(insert(UsageEvent), events)
    return connection


def _times(connection: Connection) -> list[datetime]:
    times = select(UsageEvent.created_at).order_by(UsageEvent.created_at)
    return list(connection.scalars(times))


def _of(counted: dict[str, int]) -> list[datetime]:
    return [datetime.fromisoformat(time) for time, count in counted.items() for _ in range(count)]


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_delete_usage_deletes_the_months_before_and_nothing_younger(
    old_and_younger: Connection, zone: str
) -> None:
    with acting(old_and_younger, "service_role"):
        old_and_younger.execute(text(f"set local time zone '{zone}'"))
        assert old_and_younger.scalar(delete_usage(KEPT)) == 5
        assert old_and_younger.scalar(delete_usage(KEPT)) == 0
    assert _times(old_and_younger) == _of(YOUNGER)


def test_delete_usage_deletes_batches_from_the_oldest_until_none_is_left(
    old_and_younger: Connection,
) -> None:
    everything = _of(OLD | YOUNGER)
    sessions = SessionFactory(old_and_younger)
    for deleted, left in ((2, 7), (2, 5), (1, 4), (0, 4)):
        with sessions.as_service() as session:
            assert session.scalar(delete_usage(KEPT, limit=2)) == deleted
        assert _times(old_and_younger) == everything[-left:]


def test_delete_usage_keeps_the_running_month_and_refuses_one_to_come(
    connection: Connection,
) -> None:
    now = datetime.now(UTC)
    event = _event(connection, f"'{TENANT}', 'now', p_created_at => '{now.isoformat()}'")
    with acting(connection, "service_role"):
        connection.execute(delete_usage(now.date()))
    assert connection.scalar(select(func.count()).where(UsageEvent.id == event.id)) == 1
    to_come = (now.replace(day=1) + timedelta(days=31)).date()
    with pytest.raises(
        InputError, match=f"{to_come:%Y-%m} is not deleted, since the month {now:%Y-%m}"
    ):
        delete_usage(to_come)


@pytest.mark.thorough
def test_delete_usage_keeps_an_event_that_becomes_younger_meanwhile(committed: Engine) -> None:
    sessions = SessionFactory(committed)
    ids = [uuid4(), uuid4()]
    with sessions.as_service() as session:
        for key in ids:
            old = datetime(2023, 1, 31, tzinfo=UTC)
            session.scalar(log_usage_event(TENANT, "old", id=key, created_at=old))

    def delete() -> int | None:
        with sessions.as_service() as session:
            return session.scalar(delete_usage(KEPT))

    with ThreadPoolExecutor(1) as other:
        with sessions.as_service() as session:
            session.get_one(UsageEvent, ids[0]).created_at = datetime(2026, 11, 1, tzinfo=UTC)
            session.flush()
            deleted = other.submit(delete)
            wait_for_a_lock(committed)
        assert deleted.result(timeout=30) == 1
    with committed.connect() as connection:
        left = connection.scalars(select(UsageEvent.id).where(UsageEvent.id.in_(ids)))
        assert left.all() == ids[:1]


@pytest.mark.parametrize("user", [OWNER, OUTSIDER])
def test_delete_usage_needs_the_service(old_and_younger: Connection, user: UUID) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied for table usage_events"),
        SessionFactory(old_and_younger).as_user(user) as session,
    ):
        session.scalar(delete_usage(KEPT))
    assert _times(old_and_younger) == _of(OLD | YOUNGER)


def test_session_that_only_reads_refuses_delete_usage(old_and_younger: Connection) -> None:
    with (
        pytest.raises(ReadOnlyError, match="would change rows"),
        SessionFactory(old_and_younger).as_service(read_only=True) as session,
    ):
        session.scalar(delete_usage(KEPT))
