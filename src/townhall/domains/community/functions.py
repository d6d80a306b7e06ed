"""What clients call of the community, and by what policies know the caller's groups."""

from __future__ import annotations

from townhall.domains.community.models import Cohort, Community
from townhall.pg import AUTHENTICATED, SAFE_SEARCH_PATH, SERVICE, Function
from townhall.pg.access import Declaration, membership

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
    comment="Whether anybody may join a community.",
)

# Nobody but the recipient may change a message, and no more of it than this. The function of
# schema private has the right to; the one of schema public is the door for clients. Rows are locked
# in one order, so that two of them that mark the same messages don't wait for each other.
MESSAGES = (
    Function(
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
        comment="Marks messages to the caller as read and returns how many were not.",
    ),
    Function(
        name="mark_messages_read",
        arguments={"message_ids": "uuid[]"},
        returns="bigint",
        settings={"search_path": SAFE_SEARCH_PATH},
        body="select private.mark_messages_read(message_ids)",
        execute=(AUTHENTICATED,),
        comment="Marks messages to the caller as read and returns how many were not.",
    ),
)

# A view that was never filled, as after a restore without data, can't be refreshed concurrently.
BENCHMARKS = (
    Function(
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
        comment="Computes both benchmarks anew while others read them.",
    ),
    Function(
        name="refresh_benchmark_aggregates",
        returns="void",
        settings={"search_path": SAFE_SEARCH_PATH},
        body="select private.refresh_benchmark_aggregates()",
        execute=(SERVICE,),
        comment="Computes both benchmarks anew while others read them.",
    ),
)

ENTITIES: tuple[Declaration, ...] = (
    MY_COMMUNITY_IDS,
    MY_COHORT_IDS,
    IS_OPEN_COMMUNITY,
    *MESSAGES,
    *BENCHMARKS,
)
