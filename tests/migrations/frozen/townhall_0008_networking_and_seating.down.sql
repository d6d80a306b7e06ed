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
                where c.oid = to_regclass('public.track_statistics')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.track_statistics in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.table_assignments')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.table_assignments in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.participants')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.participants in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.events')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.events in access exclusive mode;
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
        perform pg_temp.townhall_drop_object('public', 'track_statistics', 'view', '', 'drop view if exists public.track_statistics', 'townhall_0008');
    else
        drop view if exists public.track_statistics;
    end if;
end
$do$;

drop trigger if exists withdraw_networking_opt_in on public.participants;

drop trigger if exists leave_networking_opt_in on public.participants;

drop trigger if exists start_networking_opt_in on public.participants;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'table_assignments');
    else
        drop table if exists public.table_assignments;
    end if;
end
$do$;

alter table public.participants enable row level security;

alter table public.participants no force row level security;

revoke all on table public.participants from public, anon, authenticated, service_role;

grant select, delete, insert (id, event_id, user_id, first_name, last_name, email, phone, status, is_vip), update (user_id, first_name, last_name, email, phone, status, is_vip) on table public.participants to authenticated;

grant all on table public.participants to service_role;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('public', 'set_networking_opt_in', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('public.set_networking_opt_in(uuid, boolean)')), 'drop function if exists public.set_networking_opt_in(uuid, boolean)', 'townhall_0008');
    else
        drop function if exists public.set_networking_opt_in(uuid, boolean);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'set_networking_opt_in', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.set_networking_opt_in(uuid, boolean)')), 'drop function if exists private.set_networking_opt_in(uuid, boolean)', 'townhall_0008');
    else
        drop function if exists private.set_networking_opt_in(uuid, boolean);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('public', 'withdraw_networking_opt_in', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('public.withdraw_networking_opt_in()')), 'drop function if exists public.withdraw_networking_opt_in()', 'townhall_0008');
    else
        drop function if exists public.withdraw_networking_opt_in();
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'leave_networking_opt_in', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.leave_networking_opt_in()')), 'drop function if exists private.leave_networking_opt_in()', 'townhall_0008');
    else
        drop function if exists private.leave_networking_opt_in();
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'start_networking_opt_in', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.start_networking_opt_in()')), 'drop function if exists private.start_networking_opt_in()', 'townhall_0008');
    else
        drop function if exists private.start_networking_opt_in();
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop('public', 'participants', array['column'], 'networking_opt_in', 'alter table if exists public.participants drop column if exists networking_opt_in');
    else
        alter table if exists public.participants drop column if exists networking_opt_in;
    end if;
end
$do$;
