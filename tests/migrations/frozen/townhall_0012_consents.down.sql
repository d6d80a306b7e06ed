do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_routine('public.directory_page(timestamp with time zone, uuid, integer)', 'drop function if exists public.directory_page(timestamp with time zone, uuid, integer)');
    else
        drop function if exists public.directory_page(timestamp with time zone, uuid, integer);
    end if;
end
$do$;

drop function if exists private.directory_page(timestamp with time zone, uuid, integer);

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'consent_preferences');
    else
        drop table if exists public.consent_preferences;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'consent_audit_log');
    else
        drop table if exists public.consent_audit_log;
    end if;
end
$do$;

drop function if exists private.hold_account();

drop function if exists private.audit_emptied_consents();

drop function if exists private.audit_consent();

drop function if exists private.record_consent(uuid, text, boolean, boolean);
