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
        perform pg_temp.townhall_drop('public', 'campaigns', array['constraint', 'foreign key'], 'fk_campaigns_tenant_id_tenant_profiles', 'alter table if exists public.campaigns drop constraint if exists fk_campaigns_tenant_id_tenant_profiles');
    else
        alter table if exists public.campaigns drop constraint if exists fk_campaigns_tenant_id_tenant_profiles;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop('public', 'campaigns', array['constraint', 'foreign key'], 'ck_campaigns_results_disclosure_bounds', 'alter table if exists public.campaigns drop constraint if exists ck_campaigns_results_disclosure_bounds');
    else
        alter table if exists public.campaigns drop constraint if exists ck_campaigns_results_disclosure_bounds;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop('public', 'campaigns', array['constraint', 'foreign key'], 'ck_campaigns_assessment_type_bounds', 'alter table if exists public.campaigns drop constraint if exists ck_campaigns_assessment_type_bounds');
    else
        alter table if exists public.campaigns drop constraint if exists ck_campaigns_assessment_type_bounds;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop('public', 'campaigns', array['constraint', 'foreign key'], 'uq_campaigns_id_tenant_id', 'alter table if exists public.campaigns drop constraint if exists uq_campaigns_id_tenant_id');
    else
        alter table if exists public.campaigns drop constraint if exists uq_campaigns_id_tenant_id;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop('public', 'campaigns', array['index'], 'ix_campaigns_tenant_id_created_at', 'drop index if exists public.ix_campaigns_tenant_id_created_at');
    else
        drop index if exists public.ix_campaigns_tenant_id_created_at;
    end if;
end
$do$;
