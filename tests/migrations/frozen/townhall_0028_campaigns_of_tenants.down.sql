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

drop function if exists private.fill_campaign_sessions_tenant();

drop function if exists private.fill_session_tenant();

COMMENT ON COLUMN participant_sessions.tenant_id IS 'Whose pipeline the person is in.';

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
