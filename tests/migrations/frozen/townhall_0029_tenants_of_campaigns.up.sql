update public.campaigns as t
set tenant_id = (select s.tenant_id
from public.participant_sessions as s
where s.campaign_id = t.id and s.tenant_id is not null
 limit 1)
where
            t.tenant_id is null
            and (select count(distinct s.tenant_id)
from public.participant_sessions as s
where s.campaign_id = t.id and s.tenant_id is not null
) = 1;

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
        perform pg_temp.townhall_intend('public', 'campaigns', 'foreign key', 'fk_campaigns_tenant_id_tenant_profiles');
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
                where c.conrelid = 'public.campaigns'::regclass and c.conname = 'fk_campaigns_tenant_id_tenant_profiles'
            ) then
                alter table public.campaigns add constraint fk_campaigns_tenant_id_tenant_profiles foreign key (tenant_id) references public.tenant_profiles (id) on delete set null not valid;
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

alter table public.campaigns validate constraint fk_campaigns_tenant_id_tenant_profiles;

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
        perform pg_temp.townhall_intend('public', 'campaigns', 'constraint', 'ck_campaigns_assessment_type_bounds');
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
                where c.conrelid = 'public.campaigns'::regclass and c.conname = 'ck_campaigns_assessment_type_bounds'
            ) then
                alter table public.campaigns add constraint ck_campaigns_assessment_type_bounds check (char_length(assessment_type) <= 200) not valid;
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

alter table public.campaigns validate constraint ck_campaigns_assessment_type_bounds;

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
        perform pg_temp.townhall_intend('public', 'campaigns', 'constraint', 'ck_campaigns_results_disclosure_bounds');
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
                where c.conrelid = 'public.campaigns'::regclass and c.conname = 'ck_campaigns_results_disclosure_bounds'
            ) then
                alter table public.campaigns add constraint ck_campaigns_results_disclosure_bounds check (char_length(results_disclosure) <= 200) not valid;
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

alter table public.campaigns validate constraint ck_campaigns_results_disclosure_bounds;

set lock_timeout = '5s';

BEGIN;

create index if not exists ix_campaigns_tenant_id_created_at on public.campaigns (tenant_id, created_at desc);

create unique index if not exists uq_campaigns_id_tenant_id on public.campaigns (id, tenant_id);

do $do$
begin
    if not exists (
        select
        from pg_catalog.pg_constraint as c
        where c.conrelid = 'public.campaigns'::regclass and c.conname = 'uq_campaigns_id_tenant_id'
    ) then
        alter table public.campaigns add constraint uq_campaigns_id_tenant_id unique using index uq_campaigns_id_tenant_id;
    end if;
end
$do$;

do $do$
declare
    refused constant bigint := (
    select count(distinct s.campaign_id)
    from public.participant_sessions as s
    join public.campaigns as c on c.id = s.campaign_id
    where s.tenant_id is distinct from c.tenant_id and s.tenant_id is not null
);
begin
    if refused > 0 then
        raise exception 'the sessions of % campaigns are in pipelines of other tenants', refused
            using hint = 'Give each session the tenant of its campaign, or none, and try again.';
    end if;
end
$do$;

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
        perform pg_temp.townhall_intend('public', 'participant_sessions', 'foreign key', 'fk_participant_sessions_campaign_id_tenant_id_campaigns');
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
                where c.conrelid = 'public.participant_sessions'::regclass and c.conname = 'fk_participant_sessions_campaign_id_tenant_id_campaigns'
            ) then
                alter table public.participant_sessions add constraint fk_participant_sessions_campaign_id_tenant_id_campaigns foreign key (campaign_id, tenant_id) references public.campaigns (id, tenant_id)
            on update cascade on delete cascade not valid;
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

alter table public.participant_sessions validate constraint fk_participant_sessions_campaign_id_tenant_id_campaigns;

set lock_timeout = '5s';

BEGIN;
