drop view if exists public.track_statistics;

drop trigger if exists withdraw_networking_opt_in on public.participants;

drop trigger if exists start_networking_opt_in on public.participants;

DROP TABLE IF EXISTS table_assignments;

alter table public.participants enable row level security;

alter table public.participants no force row level security;

revoke all on table public.participants from public, anon, authenticated, service_role;

grant select, delete, insert (id, event_id, user_id, first_name, last_name, email, phone, status, is_vip), update (user_id, first_name, last_name, email, phone, status, is_vip) on table public.participants to authenticated;

grant all on table public.participants to service_role;

drop function if exists public.set_networking_opt_in(uuid, boolean);

drop function if exists private.set_networking_opt_in(uuid, boolean);

drop function if exists public.withdraw_networking_opt_in();

drop function if exists public.start_networking_opt_in();

ALTER TABLE participants DROP COLUMN IF EXISTS networking_opt_in;
