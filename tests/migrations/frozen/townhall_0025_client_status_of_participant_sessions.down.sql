do $do$
declare
    allowed constant int := (
        select s.setting from pg_catalog.pg_settings as s where s.name = 'lock_timeout'
    );
    previous constant text := current_setting('lock_timeout');
    began constant timestamptz := clock_timestamp();
begin
    loop
        begin
            perform set_config(
                'lock_timeout', least(nullif(allowed, 0), 300)::text, true
            );
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.participant_sessions')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.participant_sessions in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.tenant_profiles')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.tenant_profiles in access exclusive mode;
            end if;
            perform set_config('lock_timeout', previous, true);
            exit;
        exception
            when lock_not_available or deadlock_detected then
                if extract(epoch from clock_timestamp() - began) * 1000 > nullif(allowed, 0) then
                    raise;
                end if;
        end;
        perform pg_sleep(0.1);
    end loop;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop('public', 'participant_sessions', array['index'], 'ix_participant_sessions_tenant_id_client_status', 'drop index if exists public.ix_participant_sessions_tenant_id_client_status');
    else
        drop index if exists public.ix_participant_sessions_tenant_id_client_status;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop('public', 'participant_sessions', array['index'], 'ix_participant_sessions_tenant_id', 'drop index if exists public.ix_participant_sessions_tenant_id');
    else
        drop index if exists public.ix_participant_sessions_tenant_id;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop('public', 'participant_sessions', array['index'], 'ix_participant_sessions_client_status', 'drop index if exists public.ix_participant_sessions_client_status');
    else
        drop index if exists public.ix_participant_sessions_client_status;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop('public', 'participant_sessions', array['constraint', 'foreign key'], 'fk_participant_sessions_tenant_id_tenant_profiles', 'alter table if exists public.participant_sessions drop constraint if exists fk_participant_sessions_tenant_id_tenant_profiles');
    else
        alter table if exists public.participant_sessions drop constraint if exists fk_participant_sessions_tenant_id_tenant_profiles;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop('public', 'participant_sessions', array['constraint', 'foreign key'], 'ck_participant_sessions_client_status_known', 'alter table if exists public.participant_sessions drop constraint if exists ck_participant_sessions_client_status_known');
    else
        alter table if exists public.participant_sessions drop constraint if exists ck_participant_sessions_client_status_known;
    end if;
end
$do$;

ALTER TABLE participant_sessions ALTER COLUMN client_status DROP NOT NULL;
