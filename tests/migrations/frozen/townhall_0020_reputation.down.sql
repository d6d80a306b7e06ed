do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'engagement_streaks');
    else
        drop table if exists public.engagement_streaks;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'reputation_events');
    else
        drop table if exists public.reputation_events;
    end if;
end
$do$;
