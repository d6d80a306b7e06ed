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
                where c.oid = to_regclass('public.subcommunity_sponsors')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.subcommunity_sponsors in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.communities')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.communities in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('auth.users')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table auth.users in access exclusive mode;
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
        perform pg_temp.townhall_drop_table('public', 'subcommunity_sponsors');
    else
        drop table if exists public.subcommunity_sponsors;
    end if;
end
$do$;

drop trigger if exists check_parent_is_moderated on public.communities;

drop trigger if exists check_levels_on_update on public.communities;

drop trigger if exists check_levels_on_insert on public.communities;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'check_parent_is_moderated', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.check_parent_is_moderated()')), 'drop function if exists private.check_parent_is_moderated()', 'townhall_0009');
    else
        drop function if exists private.check_parent_is_moderated();
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'check_community_levels', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.check_community_levels()')), 'drop function if exists private.check_community_levels()', 'townhall_0009');
    else
        drop function if exists private.check_community_levels();
    end if;
end
$do$;

create or replace function private.can_join_community(community_id uuid)
returns boolean
language sql
stable security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
select exists (
    select
    from public.communities as c
    where c.id = can_join_community.community_id
        and not c.is_private
        and not c.is_archived
)
$function$;

revoke all on function private.can_join_community(uuid) from public, anon, authenticated, service_role;

grant execute on function private.can_join_community(uuid) to authenticated;

grant execute on function private.can_join_community(uuid) to service_role;

comment on function private.can_join_community(uuid) is 'Whether a community is neither private nor archived.';

drop policy if exists "the creator with an account below what they moderate can insert" on public.communities;

drop policy if exists "the creator with an account can insert" on public.communities;

create policy "the creator with an account can insert" on public.communities
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

comment on policy "the creator with an account can insert" on public.communities is null;

alter table public.communities enable row level security;

alter table public.communities no force row level security;

revoke all on table public.communities from public, anon, authenticated, service_role;

grant select, insert (id, name, slug, description, created_by, is_private, is_archived), update (name, slug, description, is_private, is_archived) on table public.communities to authenticated;

grant all on table public.communities to service_role;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop('public', 'communities', array['column'], 'tier_required', 'alter table if exists public.communities drop column if exists tier_required');
    else
        alter table if exists public.communities drop column if exists tier_required;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop('public', 'communities', array['column'], 'is_sponsored', 'alter table if exists public.communities drop column if exists is_sponsored');
    else
        alter table if exists public.communities drop column if exists is_sponsored;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop('public', 'communities', array['column'], 'parent_community_id', 'alter table if exists public.communities drop column if exists parent_community_id');
    else
        alter table if exists public.communities drop column if exists parent_community_id;
    end if;
end
$do$;
