do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'founder_messages');
    else
        drop table if exists public.founder_messages;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_routine('public.mark_messages_read(uuid[])', 'drop function if exists public.mark_messages_read(uuid[])');
    else
        drop function if exists public.mark_messages_read(uuid[]);
    end if;
end
$do$;

drop function if exists private.mark_messages_read(uuid[]);
