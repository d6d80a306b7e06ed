"""The functions of the community: memberships for policies, what clients and the service call."""

from __future__ import annotations

from townhall.domains.community.models import Cohort, Community
from townhall.pg import AUTHENTICATED, SAFE_SEARCH_PATH, SERVICE, Function
from townhall.pg.access import Declaration, membership, public_wrapper

MY_COMMUNITY_IDS = membership(
    "my_community_ids",
    Community.id,
    """
    select m.community_id
    from public.community_members as m
    where m.user_id = :caller
    """,
    "The communities that the caller belongs to.",
)

MY_COHORT_IDS = membership(
    "my_cohort_ids",
    Cohort.id,
    """
    select m.cohort_id
    from public.cohort_members as m
    where m.user_id = :caller
        and m.is_active
        and m.left_at is null
    """,
    "The cohorts that the caller belongs to and has not left.",
)

IS_OPEN_COMMUNITY = Function(
    schema="private",
    name="is_open_community",
    arguments={"community_id": "uuid"},
    returns="boolean",
    volatility="stable",
    security="definer",
    settings={"search_path": SAFE_SEARCH_PATH},
    body="""
        select exists (
            select
            from public.communities as c
            where c.id = is_open_community.community_id
                and not c.is_private
                and not c.is_archived
        )
    """,
    execute=(AUTHENTICATED, SERVICE),
    comment="Whether a community is neither private nor archived.",
)

# A message is updated by its recipient alone, and in this column alone. The rows are locked in one
# order, which prevents deadlocks between two calls for the same messages.
MARK_MESSAGES_READ = Function(
    schema="private",
    name="mark_messages_read",
    arguments={"message_ids": "uuid[]"},
    returns="bigint",
    security="definer",
    settings={"search_path": SAFE_SEARCH_PATH},
    body="""
        select m.id
        from public.founder_messages as m
        where m.id = any (message_ids)
            and m.recipient_id = :caller
            and not m.is_read
        order by m.id
        for no key update;
        with marked as (
            update public.founder_messages as m
            set is_read = true
            where m.id = any (message_ids)
                and m.recipient_id = :caller
                and not m.is_read
            returning m.id
        )
        select count(*) from marked
    """,
    execute=(AUTHENTICATED,),
    comment="Marks messages to the caller as read; returns how many were unread.",
)

# A view that is not populated, as after a restore without data, can't be refreshed concurrently.
REFRESH_BENCHMARK_AGGREGATES = Function(
    schema="private",
    name="refresh_benchmark_aggregates",
    returns="void",
    language="plpgsql",
    security="definer",
    settings={"search_path": SAFE_SEARCH_PATH},
    body="""
        declare
            aggregate record;
        begin
            for aggregate in
                select c.oid::regclass as name, c.relispopulated as is_populated
                from pg_catalog.pg_class as c
                where c.oid in (
                    'public.benchmark_stage_aggregates'::regclass,
                    'public.benchmark_industry_aggregates'::regclass
                )
                order by c.relname
            loop
                execute format(
                    'refresh materialized view %s %s',
                    case when aggregate.is_populated then 'concurrently' end,
                    aggregate.name
                );
            end loop;
        end
    """,
    execute=(SERVICE,),
    comment="Refreshes both benchmark views; readers are not blocked.",
)

ENTITIES: tuple[Declaration, ...] = (
    MY_COMMUNITY_IDS,
    MY_COHORT_IDS,
    IS_OPEN_COMMUNITY,
    MARK_MESSAGES_READ,
    public_wrapper(MARK_MESSAGES_READ),
    REFRESH_BENCHMARK_AGGREGATES,
    public_wrapper(REFRESH_BENCHMARK_AGGREGATES),
)
