drop function if exists public.refresh_benchmark_aggregates();

drop function if exists private.refresh_benchmark_aggregates();

drop materialized view if exists public.benchmark_industry_aggregates;

drop materialized view if exists public.benchmark_stage_aggregates;
