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

create or replace trigger update_participant_sessions_updated_at before update
on public.participant_sessions
for each row
execute function private.update_updated_at_column();

comment on trigger update_participant_sessions_updated_at on public.participant_sessions is 'Sets updated_at.';

create or replace function private.my_tenant_ids()
returns setof uuid
language plpgsql
stable security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    return query
    select mine.id::uuid
    from (
        select t.id
        from public.tenant_profiles as t
        where t.user_id = (select auth.uid())
    ) as mine (id);
end
$function$;

revoke all on function private.my_tenant_ids() from public, anon, authenticated, service_role;

grant execute on function private.my_tenant_ids() to authenticated;

grant execute on function private.my_tenant_ids() to service_role;

comment on function private.my_tenant_ids() is 'The tenants that the caller owns.';

create or replace function private.my_active_tenant_ids()
returns setof uuid
language plpgsql
stable security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    return query
    select mine.id::uuid
    from (
        select mine.id
        from (
            select t.id
            from public.tenant_profiles as t
            where t.user_id = (select auth.uid()) and t.is_active
        ) as mine (id)
        where (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    ) as mine (id);
end
$function$;

revoke all on function private.my_active_tenant_ids() from public, anon, authenticated, service_role;

grant execute on function private.my_active_tenant_ids() to authenticated;

grant execute on function private.my_active_tenant_ids() to service_role;

comment on function private.my_active_tenant_ids() is 'The active tenants that the caller owns, with an account.';

alter table public.participant_sessions enable row level security;

alter table public.participant_sessions no force row level security;

revoke all on table public.participant_sessions from public, anon, authenticated, service_role;

grant select, update (stakeholder_name, stakeholder_email, client_status) on table public.participant_sessions to authenticated;

grant all on table public.participant_sessions to service_role;

drop policy if exists "the service can do everything" on public.participant_sessions;

create policy "the service can do everything" on public.participant_sessions
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.participant_sessions is null;

drop policy if exists "the participant can read" on public.participant_sessions;

drop policy if exists "the tenant's owner or the participant can read" on public.participant_sessions;

create policy "the tenant's owner or the participant can read" on public.participant_sessions
as permissive for select
to authenticated
using (
    tenant_id = any (array(select private.my_tenant_ids()))
    or user_id = (select auth.uid())
);

comment on policy "the tenant's owner or the participant can read" on public.participant_sessions is null;

drop policy if exists "the active tenant's owner can update" on public.participant_sessions;

create policy "the active tenant's owner can update" on public.participant_sessions
as permissive for update
to authenticated
using (
    tenant_id = any (array(select private.my_active_tenant_ids()))
)
with check (
    tenant_id = any (array(select private.my_active_tenant_ids()))
);

comment on policy "the active tenant's owner can update" on public.participant_sessions is null;

create or replace function private.start_participant_session(session_id uuid)
returns void
language plpgsql
volatile security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
declare
    found_status text;
begin
    update public.participant_sessions as s
    set status = 'in_progress',
        started_at = now(),
        client_status = case
            when s.client_status in ('registered')
                then 'started'
            else s.client_status
        end
    where s.id = start_participant_session.session_id
        and s.user_id = (select auth.uid())
        and s.status = 'pending';
    if found then
        return;
    end if;
    select s.status into found_status
    from public.participant_sessions as s
    where s.id = start_participant_session.session_id
        and s.user_id = (select auth.uid());
    if found_status is null then
        raise exception 'session % is not yours', session_id
            using errcode = 'insufficient_privilege',
                schema = 'public',
                table = 'participant_sessions',
                constraint = 'participant_session_is_own';
    end if;
    raise exception 'session % is %, not pending', session_id, found_status
        using errcode = 'check_violation',
            schema = 'public',
            table = 'participant_sessions',
            column = 'status',
            constraint = 'participant_session_is_pending';
end
$function$;

revoke all on function private.start_participant_session(uuid) from public, anon, authenticated, service_role;

grant execute on function private.start_participant_session(uuid) to authenticated;

comment on function private.start_participant_session(uuid) is 'Starts the caller''s own session; an error for another user''s, or if it has been started.';

create or replace function private.complete_participant_session(session_id uuid)
returns void
language plpgsql
volatile security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
declare
    found_status text;
begin
    update public.participant_sessions as s
    set status = 'completed',
        completed_at = now(),
        client_status = case
            when s.client_status in ('registered', 'started')
                then 'completed'
            else s.client_status
        end
    where s.id = complete_participant_session.session_id
        and s.user_id = (select auth.uid())
        and s.status = 'in_progress';
    if found then
        return;
    end if;
    select s.status into found_status
    from public.participant_sessions as s
    where s.id = complete_participant_session.session_id
        and s.user_id = (select auth.uid());
    if found_status is null then
        raise exception 'session % is not yours', session_id
            using errcode = 'insufficient_privilege',
                schema = 'public',
                table = 'participant_sessions',
                constraint = 'participant_session_is_own';
    end if;
    raise exception 'session % is %, not in_progress', session_id, found_status
        using errcode = 'check_violation',
            schema = 'public',
            table = 'participant_sessions',
            column = 'status',
            constraint = 'participant_session_is_in_progress';
end
$function$;

revoke all on function private.complete_participant_session(uuid) from public, anon, authenticated, service_role;

grant execute on function private.complete_participant_session(uuid) to authenticated;

comment on function private.complete_participant_session(uuid) is 'Completes the caller''s own session; an error for another user''s, or if it is not in progress.';

create or replace function public.start_participant_session(session_id uuid)
returns void
language sql
volatile security invoker parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
select private.start_participant_session(session_id)
$function$;

revoke all on function public.start_participant_session(uuid) from public, anon, authenticated, service_role;

grant execute on function public.start_participant_session(uuid) to authenticated;

comment on function public.start_participant_session(uuid) is 'Starts the caller''s own session; an error for another user''s, or if it has been started.';

create or replace function public.complete_participant_session(session_id uuid)
returns void
language sql
volatile security invoker parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
select private.complete_participant_session(session_id)
$function$;

revoke all on function public.complete_participant_session(uuid) from public, anon, authenticated, service_role;

grant execute on function public.complete_participant_session(uuid) to authenticated;

comment on function public.complete_participant_session(uuid) is 'Completes the caller''s own session; an error for another user''s, or if it is not in progress.';
