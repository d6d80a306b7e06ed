drop view if exists public.track_statistics;

drop trigger if exists withdraw_networking_opt_in on public.participants;

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
        perform pg_temp.townhall_drop_routine('public.set_networking_opt_in(uuid, boolean)', 'drop function if exists public.set_networking_opt_in(uuid, boolean)');
    else
        drop function if exists public.set_networking_opt_in(uuid, boolean);
    end if;
end
$do$;

drop function if exists private.set_networking_opt_in(uuid, boolean);

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_routine('public.withdraw_networking_opt_in()', 'drop function if exists public.withdraw_networking_opt_in()');
    else
        drop function if exists public.withdraw_networking_opt_in();
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_routine('public.start_networking_opt_in()', 'drop function if exists public.start_networking_opt_in()');
    else
        drop function if exists public.start_networking_opt_in();
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
