do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('public', 'refresh_benchmark_aggregates', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('public.refresh_benchmark_aggregates()')), 'drop function if exists public.refresh_benchmark_aggregates()', 'townhall_0021');
    else
        drop function if exists public.refresh_benchmark_aggregates();
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'refresh_benchmark_aggregates', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.refresh_benchmark_aggregates()')), 'drop function if exists private.refresh_benchmark_aggregates()', 'townhall_0021');
    else
        drop function if exists private.refresh_benchmark_aggregates();
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('public', 'benchmark_industry_aggregates', 'view', '', 'drop materialized view if exists public.benchmark_industry_aggregates', 'townhall_0021');
    else
        drop materialized view if exists public.benchmark_industry_aggregates;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('public', 'benchmark_stage_aggregates', 'view', '', 'drop materialized view if exists public.benchmark_stage_aggregates', 'townhall_0021');
    else
        drop materialized view if exists public.benchmark_stage_aggregates;
    end if;
end
$do$;
