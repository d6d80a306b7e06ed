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
                where c.oid = to_regclass('public.campaigns')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.campaigns in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.participant_sessions')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.participant_sessions in share row exclusive mode;
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

ALTER TABLE campaigns ADD COLUMN IF NOT EXISTS tenant_id UUID;

COMMENT ON COLUMN campaigns.tenant_id IS 'The tenant; null for a creator''s own campaign, or once it is deleted.';

ALTER TABLE campaigns ADD COLUMN IF NOT EXISTS assessment_type TEXT DEFAULT 'industry4' NOT NULL;

COMMENT ON COLUMN campaigns.assessment_type IS 'The assessment that participants take.';

ALTER TABLE campaigns ADD COLUMN IF NOT EXISTS results_disclosure TEXT DEFAULT 'full' NOT NULL;

COMMENT ON COLUMN campaigns.results_disclosure IS 'How much of their results participants can read.';

COMMENT ON COLUMN participant_sessions.tenant_id IS 'The campaign''s tenant, whose pipeline the person is in; set by a trigger.';

create or replace function private.fill_session_tenant()
returns trigger
language plpgsql
volatile security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    select c.tenant_id into new.tenant_id
    from public.campaigns as c
    where c.id = new.campaign_id
    for key share;
    new.tenant_id := (
        select t.id
        from public.tenant_profiles as t
        where t.id = new.tenant_id
    );
    return new;
end
$function$;

revoke all on function private.fill_session_tenant() from public, anon, authenticated, service_role;

comment on function private.fill_session_tenant() is 'Sets the tenant of a session to that of its campaign.';

create or replace function private.fill_campaign_sessions_tenant()
returns trigger
language plpgsql
volatile security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    update public.participant_sessions as s
    set tenant_id = new.tenant_id
    where s.campaign_id = new.id and s.tenant_id is null;
    return null;
end
$function$;

revoke all on function private.fill_campaign_sessions_tenant() from public, anon, authenticated, service_role;

comment on function private.fill_campaign_sessions_tenant() is 'Sets the tenant of a campaign''s sessions without one when the campaign gets one.';

create or replace trigger fill_session_tenant before insert or update of campaign_id, tenant_id
on public.participant_sessions
for each row
when (new.tenant_id is null)
execute function private.fill_session_tenant();

comment on trigger fill_session_tenant on public.participant_sessions is 'Sets the tenant of a session to that of its campaign.';

create or replace trigger fill_campaign_sessions_tenant after update of tenant_id
on public.campaigns
for each row
when (new.tenant_id is distinct from old.tenant_id and new.tenant_id is not null)
execute function private.fill_campaign_sessions_tenant();

comment on trigger fill_campaign_sessions_tenant on public.campaigns is 'Sets the tenant of a campaign''s sessions without one when the campaign gets one.';

create or replace trigger update_campaigns_updated_at before update
on public.campaigns
for each row
when (old.tenant_id is not null or new.tenant_id is null)
execute function private.update_updated_at_column();

comment on trigger update_campaigns_updated_at on public.campaigns is 'Sets updated_at.';

create or replace trigger update_participant_sessions_updated_at before update
on public.participant_sessions
for each row
when (old.tenant_id is not null or new.tenant_id is null)
execute function private.update_updated_at_column();

comment on trigger update_participant_sessions_updated_at on public.participant_sessions is 'Sets updated_at.';
