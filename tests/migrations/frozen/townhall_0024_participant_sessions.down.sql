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
                where c.oid = to_regclass('public.campaign_assignments')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.campaign_assignments in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.stakeholder_sessions')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.stakeholder_sessions in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.participant_sessions')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.participant_sessions in access exclusive mode;
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
        perform pg_temp.townhall_drop_object('public', 'stakeholder_sessions', 'view', '', 'drop view if exists public.stakeholder_sessions', 'townhall_0024');
    else
        drop view if exists public.stakeholder_sessions;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('public', 'campaign_assignments', 'view', '', 'drop view if exists public.campaign_assignments', 'townhall_0024');
    else
        drop view if exists public.campaign_assignments;
    end if;
end
$do$;

create or replace trigger update_participant_sessions_updated_at before update
on public.participant_sessions
for each row
execute function private.update_updated_at_column();

comment on trigger update_participant_sessions_updated_at on public.participant_sessions is 'Sets updated_at.';

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop('public', 'participant_sessions', array['column'], 'client_status', 'alter table if exists public.participant_sessions drop column if exists client_status');
    else
        alter table if exists public.participant_sessions drop column if exists client_status;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop('public', 'participant_sessions', array['column'], 'tenant_id', 'alter table if exists public.participant_sessions drop column if exists tenant_id');
    else
        alter table if exists public.participant_sessions drop column if exists tenant_id;
    end if;
end
$do$;

COMMENT ON TABLE participant_sessions IS 'One person''s part in a campaign.';

do $do$
declare
    old_name constant text := 'participant_sessions';
    new_name constant text := 'campaign_assignments';
    found text;
begin
    if to_regclass('public.campaign_assignments') is not null or not exists (
        select
        from pg_catalog.pg_class as c
        where c.oid = to_regclass('public.participant_sessions') and c.relkind in ('r', 'p')
    ) then
        return;
    end if;
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_note(true, array[]::text[]);
    end if;
    alter table public.participant_sessions rename to campaign_assignments;
    for found in
        select c.conname
        from pg_catalog.pg_constraint as c
        where c.conrelid = 'public.campaign_assignments'::regclass and strpos(c.conname, old_name) > 0
    loop
        execute format(
            'alter table %s rename constraint %I to %I',
            'public.campaign_assignments', found, replace(found, old_name, new_name)
        );
    end loop;
    for found in
        select c.relname
        from pg_catalog.pg_index as i
        join pg_catalog.pg_class as c on c.oid = i.indexrelid
        where i.indrelid = 'public.campaign_assignments'::regclass and strpos(c.relname, old_name) > 0
    loop
        execute format(
            'alter index %I.%I rename to %I',
            'public', found, replace(found, old_name, new_name)
        );
    end loop;
    for found in
        select t.tgname
        from pg_catalog.pg_trigger as t
        where t.tgrelid = 'public.campaign_assignments'::regclass
            and not t.tgisinternal
            and strpos(t.tgname, old_name) > 0
    loop
        execute format(
            'alter trigger %I on %s rename to %I',
            found, 'public.campaign_assignments', replace(found, old_name, new_name)
        );
    end loop;
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_renamed('public', 'participant_sessions', 'campaign_assignments');
    end if;
end
$do$;
