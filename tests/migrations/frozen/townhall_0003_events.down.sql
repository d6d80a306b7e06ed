do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'participants');
    else
        drop table if exists public.participants;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'events');
    else
        drop table if exists public.events;
    end if;
end
$do$;

drop function if exists private.my_participant_ids();

drop function if exists private.my_managed_event_ids();

drop function if exists private.my_event_ids();
