do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'usage_events');
    else
        drop table if exists public.usage_events;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_routine('public.log_usage_event(uuid, text, jsonb, uuid, bigint, text, numeric, uuid, timestamp with time zone)', 'drop function if exists public.log_usage_event(uuid, text, jsonb, uuid, bigint, text, numeric, uuid, timestamp with time zone)');
    else
        drop function if exists public.log_usage_event(uuid, text, jsonb, uuid, bigint, text, numeric, uuid, timestamp with time zone);
    end if;
end
$do$;
