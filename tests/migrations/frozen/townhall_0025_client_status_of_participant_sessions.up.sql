update public.participant_sessions as t
set client_status = case t.status
    when 'in_progress' then 'started'
    when 'completed' then 'completed'
    else 'registered'
end
where t.client_status is null;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_note(true, array[]::text[]);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_intend('public', 'participant_sessions', 'constraint', 'client_status_is_known');
    end if;
end
$do$;

COMMIT;

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
            if not exists (
                select
                from pg_catalog.pg_constraint as c
                where c.conrelid = 'public.participant_sessions'::regclass and c.conname = 'client_status_is_known'
            ) then
                alter table public.participant_sessions add constraint client_status_is_known check (client_status is not null) not valid;
            end if;
            perform set_config('lock_timeout', previous, true);
            return;
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

set lock_timeout = 0;

alter table public.participant_sessions validate constraint client_status_is_known;

set lock_timeout = '5s';

BEGIN;

alter table public.participant_sessions alter column client_status set not null;

alter table public.participant_sessions drop constraint client_status_is_known;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_note(true, array[]::text[]);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_intend('public', 'participant_sessions', 'constraint', 'ck_participant_sessions_client_status_known');
    end if;
end
$do$;

COMMIT;

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
            if not exists (
                select
                from pg_catalog.pg_constraint as c
                where c.conrelid = 'public.participant_sessions'::regclass and c.conname = 'ck_participant_sessions_client_status_known'
            ) then
                alter table public.participant_sessions add constraint ck_participant_sessions_client_status_known check (
                client_status in (
                    'registered', 'started', 'completed', 'contacted', 'converted', 'archived'
                )
            ) not valid;
            end if;
            perform set_config('lock_timeout', previous, true);
            return;
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

set lock_timeout = 0;

alter table public.participant_sessions validate constraint ck_participant_sessions_client_status_known;

set lock_timeout = '5s';

BEGIN;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_note(true, array[]::text[]);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_intend('public', 'participant_sessions', 'foreign key', 'fk_participant_sessions_tenant_id_tenant_profiles');
    end if;
end
$do$;

COMMIT;

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
            if not exists (
                select
                from pg_catalog.pg_constraint as c
                where c.conrelid = 'public.participant_sessions'::regclass and c.conname = 'fk_participant_sessions_tenant_id_tenant_profiles'
            ) then
                alter table public.participant_sessions add constraint fk_participant_sessions_tenant_id_tenant_profiles foreign key (tenant_id) references public.tenant_profiles (id) on delete set null not valid;
            end if;
            perform set_config('lock_timeout', previous, true);
            return;
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

set lock_timeout = 0;

alter table public.participant_sessions validate constraint fk_participant_sessions_tenant_id_tenant_profiles;

set lock_timeout = '5s';

BEGIN;

create index if not exists ix_participant_sessions_campaign_id on public.participant_sessions (campaign_id);

create index if not exists ix_participant_sessions_user_id on public.participant_sessions (user_id);

create index if not exists ix_participant_sessions_client_status on public.participant_sessions (client_status);

create index if not exists ix_participant_sessions_tenant_id on public.participant_sessions (tenant_id);

create index if not exists ix_participant_sessions_tenant_id_client_status on public.participant_sessions (tenant_id, client_status);
