"""Benchmarks: scores of founders who consented, by stage and by industry.

A downgrade destroys the computed benchmarks; a refresh after the next upgrade computes them again.

Revision: townhall_0021
Revises: townhall_0020
Created: 2026-11-21
"""

from __future__ import annotations

from townhall import pg

revision = "townhall_0021"
down_revision = "townhall_0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pg.create_entity(
        pg.MaterializedView(
            name="benchmark_stage_aggregates",
            definition="""
                select
                    f.stage,
                    count(*) as founder_count,
                    (
                        case
                            when count(f.overall_score) >= 5
                                then avg(f.overall_score)
                        end
                    )::numeric(5, 2) as avg_irs_score,
                    (
                        case
                            when count(f.overall_score) >= 5
                                then percentile_cont(0.5) within group (order by f.overall_score)
                        end
                    )::numeric(5, 2) as median_irs_score,
                    now() as refreshed_at
                from (
                    select distinct on (c.user_id) p.stage, s.overall_score
                    from public.consent_preferences as c
                    join public.profiles as p on p.id = c.user_id
                    left join public.investor_readiness_scores as s on s.user_id = c.user_id
                    where c.category = 'benchmarks'
                        and c.enabled
                        and char_length(p.stage) <= 200
                    order by c.user_id, s.created_at desc, s.id desc
                ) as f
                group by f.stage
                having count(*) >= 5
            """,
            grants={"authenticated": ("select",), "service_role": ("select",)},
            comment=(
                "Scores of the founders of each stage who consented to benchmarks, in groups"
                " of at least 5. As of the last refresh_benchmark_aggregates()."
            ),
            column_comments={
                "stage": "The stage, as in profiles.",
                "founder_count": "The number of founders who consented; at least 5.",
                "avg_irs_score": (
                    "The average of their latest scores; NULL if fewer than 5 have one."
                ),
                "median_irs_score": (
                    "The median of their latest scores; NULL if fewer than 5 have one."
                ),
                "refreshed_at": "When the transaction began that computed the row.",
            },
            indexes={"idx_benchmark_stage_agg_stage": "unique (stage)"},
        )
    )
    pg.create_entity(
        pg.MaterializedView(
            name="benchmark_industry_aggregates",
            definition="""
                select
                    f.industry,
                    count(*) as founder_count,
                    (
                        case
                            when count(f.overall_score) >= 5
                                then avg(f.overall_score)
                        end
                    )::numeric(5, 2) as avg_irs_score,
                    (
                        case
                            when count(f.overall_score) >= 5
                                then percentile_cont(0.5) within group (order by f.overall_score)
                        end
                    )::numeric(5, 2) as median_irs_score,
                    now() as refreshed_at
                from (
                    select distinct on (c.user_id) p.industry, s.overall_score
                    from public.consent_preferences as c
                    join public.profiles as p on p.id = c.user_id
                    left join public.investor_readiness_scores as s on s.user_id = c.user_id
                    where c.category = 'benchmarks'
                        and c.enabled
                        and char_length(p.industry) <= 200
                    order by c.user_id, s.created_at desc, s.id desc
                ) as f
                group by f.industry
                having count(*) >= 5
            """,
            grants={"authenticated": ("select",), "service_role": ("select",)},
            comment=(
                "Scores of the founders of each industry who consented to benchmarks, in"
                " groups of at least 5. As of the last refresh_benchmark_aggregates()."
            ),
            column_comments={
                "industry": "The industry, as in profiles.",
                "founder_count": "The number of founders who consented; at least 5.",
                "avg_irs_score": (
                    "The average of their latest scores; NULL if fewer than 5 have one."
                ),
                "median_irs_score": (
                    "The median of their latest scores; NULL if fewer than 5 have one."
                ),
                "refreshed_at": "When the transaction began that computed the row.",
            },
            indexes={"idx_benchmark_industry_agg_industry": "unique (industry)"},
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="refresh_benchmark_aggregates",
            arguments={
                "view_name": "out text",
                "refreshed_at": "out timestamptz",
                "error": "out text",
            },
            returns="setof record",
            language="plpgsql",
            body="""
                declare
                    aggregate record;
                    is_any_refreshed boolean := false;
                begin
                    for aggregate in
                        select
                            c.oid::regclass as name,
                            c.relname as relation,
                            c.relispopulated as is_populated
                        from pg_catalog.pg_class as c
                        where c.oid in (
                            'public.benchmark_stage_aggregates'::regclass,
                            'public.benchmark_industry_aggregates'::regclass
                        )
                        order by c.relname
                    loop
                        view_name := aggregate.relation;
                        refreshed_at := null;
                        error := null;
                        begin
                            execute format(
                                'refresh materialized view %s %s',
                                case when aggregate.is_populated then 'concurrently' end,
                                aggregate.name
                            );
                            refreshed_at := clock_timestamp();
                            is_any_refreshed := true;
                        exception
                            when others then
                                error := sqlerrm;
                                raise warning '% was not refreshed: %', view_name, error;
                        end;
                        return next;
                    end loop;
                    if not is_any_refreshed then
                        raise exception 'no benchmark was refreshed: %', error
                            using constraint = 'a_benchmark_is_refreshed';
                    end if;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp", "work_mem": "64MB"},
            execute=("service_role",),
            rows=2,
            comment=(
                "Refreshes each benchmark view on its own and returns a row for each; readers are"
                " not blocked."
            ),
        )
    )
    pg.create_entity(
        pg.Function(
            name="refresh_benchmark_aggregates",
            arguments={
                "view_name": "out text",
                "refreshed_at": "out timestamptz",
                "error": "out text",
            },
            returns="setof record",
            body="select * from private.refresh_benchmark_aggregates()",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("service_role",),
            rows=2,
            comment=(
                "Refreshes each benchmark view on its own and returns a row for each; readers are"
                " not blocked."
            ),
        )
    )


def downgrade() -> None:
    pg.drop_entity(pg.Function.named(name="refresh_benchmark_aggregates"))
    pg.drop_entity(pg.Function.named(schema="private", name="refresh_benchmark_aggregates"))
    pg.drop_entity(pg.MaterializedView.named(name="benchmark_industry_aggregates"))
    pg.drop_entity(pg.MaterializedView.named(name="benchmark_stage_aggregates"))
