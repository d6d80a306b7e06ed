create materialized view if not exists public.benchmark_stage_aggregates as
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
having count(*) >= 5;

create unique index if not exists idx_benchmark_stage_agg_stage on public.benchmark_stage_aggregates (stage);

revoke all on table public.benchmark_stage_aggregates from public, anon, authenticated, service_role;

grant select on table public.benchmark_stage_aggregates to authenticated;

grant select on table public.benchmark_stage_aggregates to service_role;

comment on materialized view public.benchmark_stage_aggregates is 'Scores of the founders of each stage who consented to benchmarks, in groups of at least 5. As of the last refresh_benchmark_aggregates().';

comment on column public.benchmark_stage_aggregates.stage is 'The stage, as in profiles.';

comment on column public.benchmark_stage_aggregates.founder_count is 'The number of founders who consented; at least 5.';

comment on column public.benchmark_stage_aggregates.avg_irs_score is 'The average of their latest scores; NULL if fewer than 5 have one.';

comment on column public.benchmark_stage_aggregates.median_irs_score is 'The median of their latest scores; NULL if fewer than 5 have one.';

comment on column public.benchmark_stage_aggregates.refreshed_at is 'When the transaction began that computed the row.';

create materialized view if not exists public.benchmark_industry_aggregates as
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
having count(*) >= 5;

create unique index if not exists idx_benchmark_industry_agg_industry on public.benchmark_industry_aggregates (industry);

revoke all on table public.benchmark_industry_aggregates from public, anon, authenticated, service_role;

grant select on table public.benchmark_industry_aggregates to authenticated;

grant select on table public.benchmark_industry_aggregates to service_role;

comment on materialized view public.benchmark_industry_aggregates is 'Scores of the founders of each industry who consented to benchmarks, in groups of at least 5. As of the last refresh_benchmark_aggregates().';

comment on column public.benchmark_industry_aggregates.industry is 'The industry, as in profiles.';

comment on column public.benchmark_industry_aggregates.founder_count is 'The number of founders who consented; at least 5.';

comment on column public.benchmark_industry_aggregates.avg_irs_score is 'The average of their latest scores; NULL if fewer than 5 have one.';

comment on column public.benchmark_industry_aggregates.median_irs_score is 'The median of their latest scores; NULL if fewer than 5 have one.';

comment on column public.benchmark_industry_aggregates.refreshed_at is 'When the transaction began that computed the row.';

create or replace function private.refresh_benchmark_aggregates(out view_name text, out refreshed_at timestamptz, out error text)
returns setof record
language plpgsql
volatile security definer parallel unsafe rows 2
set search_path = 'pg_catalog', 'pg_temp'
set work_mem = '64MB'
as $function$
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
$function$;

revoke all on function private.refresh_benchmark_aggregates() from public, anon, authenticated, service_role;

grant execute on function private.refresh_benchmark_aggregates() to service_role;

comment on function private.refresh_benchmark_aggregates() is 'Refreshes each benchmark view on its own and returns a row for each; readers are not blocked.';

create or replace function public.refresh_benchmark_aggregates(out view_name text, out refreshed_at timestamptz, out error text)
returns setof record
language sql
volatile security invoker parallel unsafe rows 2
set search_path = 'pg_catalog', 'pg_temp'
as $function$
select * from private.refresh_benchmark_aggregates()
$function$;

revoke all on function public.refresh_benchmark_aggregates() from public, anon, authenticated, service_role;

grant execute on function public.refresh_benchmark_aggregates() to service_role;

comment on function public.refresh_benchmark_aggregates() is 'Refreshes each benchmark view on its own and returns a row for each; readers are not blocked.';
