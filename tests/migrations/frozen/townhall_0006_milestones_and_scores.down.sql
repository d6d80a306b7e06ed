do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'investor_readiness_scores');
    else
        drop table if exists public.investor_readiness_scores;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'milestones');
    else
        drop table if exists public.milestones;
    end if;
end
$do$;
