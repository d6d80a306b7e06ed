do $do$
declare
    old_name constant text := 'campaign_assignments';
    new_name constant text := 'participant_sessions';
    found text;
begin
    if to_regclass('public.participant_sessions') is not null or not exists (
        select
        from pg_catalog.pg_class as c
        where c.oid = to_regclass('public.campaign_assignments') and c.relkind in ('r', 'p')
    ) then
        return;
    end if;
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_note(true, array[]::text[]);
    end if;
    alter table public.campaign_assignments rename to participant_sessions;
    for found in
        select c.conname
        from pg_catalog.pg_constraint as c
        where c.conrelid = 'public.participant_sessions'::regclass and strpos(c.conname, old_name) > 0
    loop
        execute format(
            'alter table %s rename constraint %I to %I',
            'public.participant_sessions', found, replace(found, old_name, new_name)
        );
    end loop;
    for found in
        select c.relname
        from pg_catalog.pg_index as i
        join pg_catalog.pg_class as c on c.oid = i.indexrelid
        where i.indrelid = 'public.participant_sessions'::regclass and strpos(c.relname, old_name) > 0
    loop
        execute format(
            'alter index %I.%I rename to %I',
            'public', found, replace(found, old_name, new_name)
        );
    end loop;
    for found in
        select t.tgname
        from pg_catalog.pg_trigger as t
        where t.tgrelid = 'public.participant_sessions'::regclass
            and not t.tgisinternal
            and strpos(t.tgname, old_name) > 0
    loop
        execute format(
            'alter trigger %I on %s rename to %I',
            found, 'public.participant_sessions', replace(found, old_name, new_name)
        );
    end loop;
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_renamed('public', 'campaign_assignments', 'participant_sessions');
    end if;
end
$do$;

COMMENT ON TABLE participant_sessions IS 'A person''s participation in a campaign, a lead of the coach''s pipeline.';

ALTER TABLE participant_sessions ADD COLUMN IF NOT EXISTS client_status TEXT;

COMMENT ON COLUMN participant_sessions.client_status IS 'The person''s stage in the coach''s pipeline.';

ALTER TABLE participant_sessions ALTER COLUMN client_status SET DEFAULT 'registered';

ALTER TABLE participant_sessions ADD COLUMN IF NOT EXISTS tenant_id UUID;

COMMENT ON COLUMN participant_sessions.tenant_id IS 'Whose pipeline the person is in.';

create or replace view public.campaign_assignments
with (security_invoker = true) as
select
    s.id,
    s.campaign_id,
    s.stakeholder_name,
    s.stakeholder_email,
    s.user_id,
    s.status,
    s.started_at,
    s.completed_at,
    s.created_at,
    s.updated_at,
    s.client_status,
    s.tenant_id
from public.participant_sessions as s;

revoke all on table public.campaign_assignments from public, anon, authenticated, service_role;

grant select, update (stakeholder_name, stakeholder_email, client_status) on table public.campaign_assignments to authenticated;

grant all on table public.campaign_assignments to service_role;

comment on view public.campaign_assignments is 'A former name of participant_sessions, for clients that still use it.';

create or replace view public.stakeholder_sessions
with (security_invoker = true) as
select
    s.id,
    s.campaign_id,
    s.stakeholder_name,
    s.stakeholder_email,
    s.user_id,
    s.status,
    s.started_at,
    s.completed_at,
    s.created_at,
    s.updated_at,
    s.client_status,
    s.tenant_id
from public.participant_sessions as s;

revoke all on table public.stakeholder_sessions from public, anon, authenticated, service_role;

grant select, update (stakeholder_name, stakeholder_email, client_status) on table public.stakeholder_sessions to authenticated;

grant all on table public.stakeholder_sessions to service_role;

comment on view public.stakeholder_sessions is 'A former name of participant_sessions, for clients that still use it.';

do $$
declare
    granted text;
begin
    for granted in
        select format(
            'grant %s%s on public.%I to %I%s',
            a.privilege_type,
            ' (' || quote_ident(a.column_name) || ')',
            v.view_name,
            r.rolname,
            case when a.is_grantable then ' with grant option' end
        )
        from (values ('campaign_assignments'), ('stakeholder_sessions')) as v (view_name)
        cross join (
            select null as column_name, p.*
            from pg_catalog.pg_class as c
            cross join aclexplode(c.relacl) as p
            where c.oid = 'public.participant_sessions'::regclass
            union all
            select t.attname, p.*
            from pg_catalog.pg_attribute as t
            join pg_catalog.pg_attribute as of_view
                on of_view.attrelid = 'public.campaign_assignments'::regclass
                and of_view.attname = t.attname
            cross join aclexplode(t.attacl) as p
            where t.attrelid = 'public.participant_sessions'::regclass
        ) as a
        join pg_catalog.pg_roles as r on r.oid = a.grantee
        where r.rolname not in ('anon', 'authenticated', 'service_role')
    loop
        execute granted;
    end loop;
end
$$;

create or replace trigger update_participant_sessions_updated_at before update
on public.participant_sessions
for each row
when (old.client_status is not null or new.client_status is null)
execute function private.update_updated_at_column();

comment on trigger update_participant_sessions_updated_at on public.participant_sessions is 'Sets updated_at.';
