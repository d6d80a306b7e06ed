do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'cohort_members');
    else
        drop table if exists public.cohort_members;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'cohorts');
    else
        drop table if exists public.cohorts;
    end if;
end
$do$;

drop function if exists private.my_cohort_ids();
