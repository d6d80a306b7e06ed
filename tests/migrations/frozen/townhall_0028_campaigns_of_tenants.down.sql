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
                where c.oid = to_regclass('public.campaigns')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.campaigns in access exclusive mode;
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

create or replace trigger update_campaigns_updated_at before update
on public.campaigns
for each row
execute function private.update_updated_at_column();

comment on trigger update_campaigns_updated_at on public.campaigns is 'Sets updated_at.';

create or replace trigger update_participant_sessions_updated_at before update
on public.participant_sessions
for each row
execute function private.update_updated_at_column();

comment on trigger update_participant_sessions_updated_at on public.participant_sessions is 'Sets updated_at.';

drop trigger if exists fill_campaign_sessions_tenant on public.campaigns;

drop trigger if exists fill_session_tenant on public.participant_sessions;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'fill_campaign_sessions_tenant', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.fill_campaign_sessions_tenant()')), 'drop function if exists private.fill_campaign_sessions_tenant()', 'townhall_0028');
    else
        drop function if exists private.fill_campaign_sessions_tenant();
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'fill_session_tenant', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.fill_session_tenant()')), 'drop function if exists private.fill_session_tenant()', 'townhall_0028');
    else
        drop function if exists private.fill_session_tenant();
    end if;
end
$do$;

COMMENT ON COLUMN participant_sessions.tenant_id IS 'Whose pipeline the person is in.';

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop('public', 'participant_sessions', array['constraint', 'foreign key'], 'fk_participant_sessions_campaign_id_tenant_id_campaigns', 'alter table if exists public.participant_sessions drop constraint if exists fk_participant_sessions_campaign_id_tenant_id_campaigns');
    else
        alter table if exists public.participant_sessions drop constraint if exists fk_participant_sessions_campaign_id_tenant_id_campaigns;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop('public', 'campaigns', array['column'], 'results_disclosure', 'alter table if exists public.campaigns drop column if exists results_disclosure');
    else
        alter table if exists public.campaigns drop column if exists results_disclosure;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop('public', 'campaigns', array['column'], 'assessment_type', 'alter table if exists public.campaigns drop column if exists assessment_type');
    else
        alter table if exists public.campaigns drop column if exists assessment_type;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop('public', 'campaigns', array['column'], 'tenant_id', 'alter table if exists public.campaigns drop column if exists tenant_id');
    else
        alter table if exists public.campaigns drop column if exists tenant_id;
    end if;
end
$do$;
