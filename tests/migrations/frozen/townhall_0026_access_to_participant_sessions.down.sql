do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('public', 'complete_participant_session', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('public.complete_participant_session(uuid)')), 'drop function if exists public.complete_participant_session(uuid)', 'townhall_0026');
    else
        drop function if exists public.complete_participant_session(uuid);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('public', 'start_participant_session', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('public.start_participant_session(uuid)')), 'drop function if exists public.start_participant_session(uuid)', 'townhall_0026');
    else
        drop function if exists public.start_participant_session(uuid);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'complete_participant_session', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.complete_participant_session(uuid)')), 'drop function if exists private.complete_participant_session(uuid)', 'townhall_0026');
    else
        drop function if exists private.complete_participant_session(uuid);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'start_participant_session', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.start_participant_session(uuid)')), 'drop function if exists private.start_participant_session(uuid)', 'townhall_0026');
    else
        drop function if exists private.start_participant_session(uuid);
    end if;
end
$do$;

drop policy if exists "the active tenant's owner can update" on public.participant_sessions;

drop policy if exists "the tenant's owner or the participant can read" on public.participant_sessions;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'my_active_tenant_ids', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.my_active_tenant_ids()')), 'drop function if exists private.my_active_tenant_ids()', 'townhall_0026');
    else
        drop function if exists private.my_active_tenant_ids();
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'my_tenant_ids', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.my_tenant_ids()')), 'drop function if exists private.my_tenant_ids()', 'townhall_0026');
    else
        drop function if exists private.my_tenant_ids();
    end if;
end
$do$;

alter table public.participant_sessions enable row level security;

alter table public.participant_sessions no force row level security;

revoke all on table public.participant_sessions from public, anon, authenticated, service_role;

grant select on table public.participant_sessions to authenticated;

grant all on table public.participant_sessions to service_role;

drop policy if exists "the participant can read" on public.participant_sessions;

create policy "the participant can read" on public.participant_sessions
as permissive for select
to authenticated
using (
    user_id = (select auth.uid())
);

comment on policy "the participant can read" on public.participant_sessions is null;

create or replace trigger update_participant_sessions_updated_at before update
on public.participant_sessions
for each row
when (old.client_status is not null or new.client_status is null)
execute function private.update_updated_at_column();

comment on trigger update_participant_sessions_updated_at on public.participant_sessions is 'Sets updated_at.';
