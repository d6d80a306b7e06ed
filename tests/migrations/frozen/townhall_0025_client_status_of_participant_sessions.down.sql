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
