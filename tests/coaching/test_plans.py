"""Brands, pipelines and bills are read through indexes, however many tenants there are."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy import create_engine, select, text

from tests.support.plans import plan_of
from townhall import Campaign, ClientStatus, ParticipantSession, TenantProfile, UsageEvent
from townhall.domains.coaching import delete_usage, newest_usage, pipeline_of, usage_summary
from townhall.domains.coaching.functions import BRANDING
from townhall.testing import acting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Executable

    from townhall.testing.databases import Databases

TENANTS = 20_000
FEW_BLOCKS = 40
"""The buffers that an index scan reads at most; a scan of the tenants reads thousands."""

FILL = f"""
insert into auth.users (id) select gen_random_uuid() from generate_series(1, 200);

insert into public.tenant_profiles (
    slug, display_name, custom_domain, custom_domain_verified_at, user_id, brand_config
)
select
    'tenant-' || n,
    'Tenant ' || n,
    'coach-' || n || '.example',
    now(),
    case when n <= 200 then (array(select id from auth.users))[n] end,
    jsonb_build_object('tagline', repeat('x', 200))
from generate_series(1, {TENANTS}) as n;

insert into public.campaigns (name, tenant_id)
select 'Campaign', t.id from public.tenant_profiles as t where t.user_id is not null;

insert into public.participant_sessions (campaign_id, client_status)
select c.id, case n % 10 when 0 then 'converted' else 'registered' end
from public.campaigns as c, generate_series(1, 100) as n;

insert into public.usage_events (tenant_id, event_type, model_used, tokens_used, created_at)
select c.tenant_id, 'chat', 'opus', n, '2026-01-01'::timestamptz + n * interval '1 day'
from public.campaigns as c, generate_series(1, 300) as n;

insert into public.campaigns (name, tenant_id)
select 'Campaign', t.id from public.tenant_profiles as t where t.user_id is null limit 5000;

analyze;
"""


@pytest.fixture(scope="module")
def many(townhall_databases: Databases, townhall_template: str) -> Iterator[Connection]:
    """Yield a connection to 20,000 tenants, 200 of them with an owner and all data."""
    with townhall_databases.create(townhall_template) as url:
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.exec_driver_sql(FILL, execution_options={"no_parameters": True})
        with engine.connect() as connection:
            yield connection
            connection.rollback()
        engine.dispose()


@pytest.fixture
def owner(many: Connection) -> tuple[UUID, UUID]:
    """Return a tenant and its owner."""
    owned = select(TenantProfile).where(TenantProfile.user_id.is_not(None)).limit(1)
    tenant = many.execute(owned).one()
    return tenant.id, tenant.user_id


@pytest.mark.parametrize(
    ("name", "value", "indexes"),
    [
        ("get_tenant_branding", "tenant-7777", {"uq_tenant_profiles_slug"}),
        (
            "get_tenant_branding_by_domain",
            "coach-7777.EXAMPLE:443",
            {"ix_tenant_profiles_custom_domain", "uq_tenant_profiles_custom_domain"},
        ),
    ],
)
class TestBranding:
    @pytest.mark.exhaustive
    def test_branding_is_read_through_an_index(
        self, many: Connection, name: str, value: str, indexes: set[str]
    ) -> None:
        """The body of the function, with its argument unknown to the planner."""
        body = next(function.body for function in BRANDING if function.name == name)
        query = re.sub(rf"\b{name}\.\w+", "$1", body)
        many.execute(text("set local plan_cache_mode = force_generic_plan"))
        many.execute(text(f"prepare {name} (text) as {query}"))
        plan = plan_of(many, f"execute {name} ('{value}')")
        many.execute(text(f"deallocate {name}"))
        assert plan.indexes
        assert plan.indexes <= indexes
        assert plan.sequentially_scanned == set()

    @pytest.mark.thorough
    def test_call_by_an_anonymous_visitor_reads_few_blocks(
        self, many: Connection, name: str, value: str, indexes: set[str]
    ) -> None:
        """The call of the function by an anonymous visitor."""
        del indexes
        call = f"select * from public.{name}('{value}')"
        with acting(many, "anon"):
            assert many.execute(text(call)).one().slug == "tenant-7777"
            assert plan_of(many, call, run=True).buffers < FEW_BLOCKS

    @pytest.mark.thorough
    def test_sequential_scan_would_read_many_blocks(
        self, many: Connection, name: str, value: str, indexes: set[str]
    ) -> None:
        del name, value, indexes
        every = "select * from public.tenant_profiles where display_name = 'Missing'"
        assert plan_of(many, every, run=True).buffers > 10 * FEW_BLOCKS


def test_owner_reads_their_tenant_through_an_index(
    many: Connection, owner: tuple[UUID, UUID]
) -> None:
    with acting(many, "authenticated", owner[1]):
        plan = plan_of(many, select(TenantProfile))
    assert plan.indexes == {"ix_tenant_profiles_user_id"}
    assert plan.sequentially_scanned == set()


@pytest.mark.parametrize("model", [Campaign, ParticipantSession, UsageEvent])
def test_policies_use_an_index(
    many: Connection, owner: tuple[UUID, UUID], model: type[Campaign]
) -> None:
    with acting(many, "authenticated", owner[1]):
        plan = plan_of(many, select(model))
    assert plan.indexes
    assert plan.sequentially_scanned == set()


@pytest.mark.parametrize("status", [None, ClientStatus.CONVERTED])
def test_pipeline_is_read_through_an_index_on_the_tenant(
    many: Connection, owner: tuple[UUID, UUID], status: ClientStatus | None
) -> None:
    tenant, user = owner
    with acting(many, "authenticated", user):
        plan = plan_of(many, pipeline_of(tenant, status))
    assert plan.sequentially_scanned == set()
    if status is not None:
        assert "ix_participant_sessions_tenant_id_client_status" in plan.indexes


def test_usage_of_a_tenant_is_read_through_an_index_on_tenant_and_time(
    many: Connection, owner: tuple[UUID, UUID]
) -> None:
    """Among 300,000 events; the plan is the same for ten million, which the benchmark times."""
    tenant, user = owner
    summary = usage_summary(datetime(2026, 5, 1, tzinfo=UTC).date(), tenant)
    for role, account in (("authenticated", user), ("service_role", None)):
        with acting(many, role, account):
            assert _scans_of_usage(many, summary) == ({"ix_usage_events_tenant_id_created_at"}, 31)


def test_newest_usage_is_read_through_an_index_on_the_tenant(
    many: Connection, owner: tuple[UUID, UUID]
) -> None:
    """However much newer the events of other tenants are."""
    tenant, user = owner
    with many.begin_nested() as savepoint:
        many.execute(
            text(
                "update usage_events set created_at = created_at - interval '9 years'"
                " where tenant_id = :tenant"
            ),
            {"tenant": tenant},
        )
        with acting(many, "authenticated", user):
            found = many.execute(newest_usage(limit=20)).all()
            scans = _scans_of_usage(many, newest_usage(limit=20))
        savepoint.rollback()
    times = [each.created_at for each in found]
    assert len(times) == 20
    assert times == sorted(times, reverse=True)
    assert {each.tenant_id for each in found} == {tenant}
    # With the 300 versions before the update.
    assert scans == ({"ix_usage_events_tenant_id_created_at"}, 300 + 20)


def test_usage_of_all_tenants_is_read_through_an_index_on_the_time(many: Connection) -> None:
    with acting(many, "service_role"):
        scans = _scans_of_usage(many, usage_summary(datetime(2026, 5, 1, tzinfo=UTC).date()))
    assert scans == ({"ix_usage_events_created_at"}, 200 * 31)


def test_old_usage_is_found_and_deleted_through_the_index_on_the_time(
    many: Connection,
) -> None:
    with acting(many, "service_role"):
        plan = plan_of(many, delete_usage(datetime(2026, 2, 1, tzinfo=UTC).date(), limit=500))
    assert plan.indexes == {"ix_usage_events_created_at"}
    assert plan.sequentially_scanned == set()


def _scans_of_usage(connection: Connection, statement: Executable) -> tuple[set[str], int]:
    """Return what a statement scans of the events, within functions too, and the rows it reads."""
    before = {row.name: row.number for row in connection.execute(_SCANS)}
    connection.execute(statement).all()
    after = {row.name: row.number for row in connection.execute(_SCANS)}
    grown = {name: after[name] - before[name] for name in after if after[name] > before[name]}
    return set(grown) - {"rows"}, grown.get("rows", 0)


# A sequential scan counts under the name of the table. An index scan counts its rows there, and a
# bitmap of an index counts them as its own.
_SCANS = text(
    """
    with parts as (
        select c.oid, c.relname, c.relkind
        from pg_class as c
        left join pg_index as i on i.indexrelid = c.oid
        where 'public.usage_events'::regclass in (c.oid, i.indrelid)
    )
    select p.relname as name, pg_stat_get_xact_numscans(p.oid) as number
    from parts as p
    union all
    select 'rows', sum(pg_stat_get_xact_tuples_returned(p.oid))::bigint
    from parts as p
    """
)
