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
