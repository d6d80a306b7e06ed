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

create or replace trigger fill_session_tenant before insert or update of campaign_id, tenant_id
on public.participant_sessions
for each row
execute function private.fill_session_tenant();

comment on trigger fill_session_tenant on public.participant_sessions is 'Sets the tenant of a session to that of its campaign.';

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

create or replace function private.my_enabled_assessments(out tenant_id uuid, out assessment_type text)
returns setof record
language sql
stable security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
select t.id, a.assessment_type
from public.tenant_profiles as t,
    unnest(t.enabled_assessments) as a (assessment_type)
where t.user_id = (select auth.uid())
$function$;

revoke all on function private.my_enabled_assessments() from public, anon, authenticated, service_role;

grant execute on function private.my_enabled_assessments() to authenticated;

grant execute on function private.my_enabled_assessments() to service_role;

comment on function private.my_enabled_assessments() is 'The assessments that the caller''s tenants have enabled.';

drop policy if exists "the creator with an account can delete" on public.campaigns;

drop policy if exists "the creator with an account can insert" on public.campaigns;

drop policy if exists "the creator can read" on public.campaigns;

drop policy if exists "the creator with an account can update" on public.campaigns;

alter table public.campaigns enable row level security;

alter table public.campaigns no force row level security;

revoke all on table public.campaigns from public, anon, authenticated, service_role;

grant select, insert (id, name, description, status, created_by, starts_at, ends_at, tenant_id, assessment_type, results_disclosure), update (name, description, status, starts_at, ends_at, assessment_type, results_disclosure), delete on table public.campaigns to authenticated;

grant all on table public.campaigns to service_role;

drop policy if exists "the campaign's owner can read" on public.campaigns;

create policy "the campaign's owner can read" on public.campaigns
as permissive for select
to authenticated
using (
    tenant_id = any (array(select private.my_tenant_ids()))
    or (created_by = (select auth.uid()))
    and (tenant_id is null)
);

comment on policy "the campaign's owner can read" on public.campaigns is null;

drop policy if exists "the active campaign's owner in their own name can insert" on public.campaigns;

create policy "the active campaign's owner in their own name can insert" on public.campaigns
as permissive for insert
to authenticated
with check (
    (
        (tenant_id = any (array(select private.my_active_tenant_ids())))
        and (
            (tenant_id, assessment_type) in (
                select e.tenant_id, e.assessment_type
                from private.my_enabled_assessments() as e
            )
        )
        or (
            (created_by = (select auth.uid()))
            and (tenant_id is null)
        )
        and (
            (
                select
                    nullif(current_setting('request.jwt.claims', true), '')::jsonb
                    ->> 'is_anonymous'
            ) is distinct from 'true'
        )
    )
    and (coalesce(created_by, (select auth.uid())) = (select auth.uid()))
);

comment on policy "the active campaign's owner in their own name can insert" on public.campaigns is null;

drop policy if exists "the active campaign's owner can update" on public.campaigns;

create policy "the active campaign's owner can update" on public.campaigns
as permissive for update
to authenticated
using (
    tenant_id = any (array(select private.my_active_tenant_ids()))
    or (
        (created_by = (select auth.uid()))
        and (tenant_id is null)
    )
    and (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    )
)
with check (
    (tenant_id = any (array(select private.my_active_tenant_ids())))
    and (
        (tenant_id, assessment_type) in (
            select e.tenant_id, e.assessment_type
            from private.my_enabled_assessments() as e
        )
    )
    or (
        (created_by = (select auth.uid()))
        and (tenant_id is null)
    )
    and (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    )
);

comment on policy "the active campaign's owner can update" on public.campaigns is null;

drop policy if exists "the active campaign's owner can delete" on public.campaigns;

create policy "the active campaign's owner can delete" on public.campaigns
as permissive for delete
to authenticated
using (
    tenant_id = any (array(select private.my_active_tenant_ids()))
    or (
        (created_by = (select auth.uid()))
        and (tenant_id is null)
    )
    and (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    )
);

comment on policy "the active campaign's owner can delete" on public.campaigns is null;
