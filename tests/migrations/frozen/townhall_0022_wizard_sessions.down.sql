do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_routine('public.save_wizard_session(uuid, jsonb, integer, text)', 'drop function if exists public.save_wizard_session(uuid, jsonb, integer, text)');
    else
        drop function if exists public.save_wizard_session(uuid, jsonb, integer, text);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'wizard_sessions');
    else
        drop table if exists public.wizard_sessions;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_routine('public.update_wizard_session_timestamp()', 'drop function if exists public.update_wizard_session_timestamp()');
    else
        drop function if exists public.update_wizard_session_timestamp();
    end if;
end
$do$;
