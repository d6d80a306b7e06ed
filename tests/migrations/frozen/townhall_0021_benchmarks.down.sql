do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_routine('public.refresh_benchmark_aggregates()', 'drop function if exists public.refresh_benchmark_aggregates()');
    else
        drop function if exists public.refresh_benchmark_aggregates();
    end if;
end
$do$;

drop function if exists private.refresh_benchmark_aggregates();

drop materialized view if exists public.benchmark_industry_aggregates;

drop materialized view if exists public.benchmark_stage_aggregates;
