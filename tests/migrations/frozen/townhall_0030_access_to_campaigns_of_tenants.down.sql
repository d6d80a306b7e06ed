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

drop policy if exists "the active campaign's owner can delete" on public.campaigns;

drop policy if exists "the active campaign's owner can update" on public.campaigns;

drop policy if exists "the active campaign's owner in their own name can insert" on public.campaigns;

drop policy if exists "the campaign's owner can read" on public.campaigns;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'my_enabled_assessments', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.my_enabled_assessments()')), 'drop function if exists private.my_enabled_assessments()', 'townhall_0030');
    else
        drop function if exists private.my_enabled_assessments();
    end if;
end
$do$;

alter table public.campaigns enable row level security;

alter table public.campaigns no force row level security;

revoke all on table public.campaigns from public, anon, authenticated, service_role;

grant select, delete, insert (id, name, description, status, created_by, starts_at, ends_at), update (name, description, status, starts_at, ends_at) on table public.campaigns to authenticated;

grant all on table public.campaigns to service_role;

drop policy if exists "the creator with an account can update" on public.campaigns;

create policy "the creator with an account can update" on public.campaigns
as permissive for update
to authenticated
using (
    (created_by = (select auth.uid()))
    and (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    )
)
with check (
    (created_by = (select auth.uid()))
    and (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    )
);

comment on policy "the creator with an account can update" on public.campaigns is null;

drop policy if exists "the creator can read" on public.campaigns;

create policy "the creator can read" on public.campaigns
as permissive for select
to authenticated
using (
    created_by = (select auth.uid())
);

comment on policy "the creator can read" on public.campaigns is null;

drop policy if exists "the creator with an account can insert" on public.campaigns;

create policy "the creator with an account can insert" on public.campaigns
as permissive for insert
to authenticated
with check (
    (created_by = (select auth.uid()))
    and (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    )
);

comment on policy "the creator with an account can insert" on public.campaigns is null;

drop policy if exists "the creator with an account can delete" on public.campaigns;

create policy "the creator with an account can delete" on public.campaigns
as permissive for delete
to authenticated
using (
    (created_by = (select auth.uid()))
    and (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    )
);

comment on policy "the creator with an account can delete" on public.campaigns is null;

create or replace trigger fill_session_tenant before insert or update of campaign_id, tenant_id
on public.participant_sessions
for each row
when (new.tenant_id is null)
execute function private.fill_session_tenant();

comment on trigger fill_session_tenant on public.participant_sessions is 'Sets the tenant of a session to that of its campaign.';

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
