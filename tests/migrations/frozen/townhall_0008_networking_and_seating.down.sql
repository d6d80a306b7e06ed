drop view if exists public.track_statistics;

drop trigger if exists apply_event_networking_default on public.participants;

DROP TABLE IF EXISTS table_assignments;

alter table public.participants enable row level security;

alter table public.participants no force row level security;

revoke all on table public.participants from public, anon, authenticated, service_role;

grant select, delete, insert (id, event_id, user_id, first_name, last_name, email, phone, status, is_vip), update (user_id, first_name, last_name, email, phone, status, is_vip) on table public.participants to authenticated;

grant all on table public.participants to service_role;

drop function if exists public.set_networking_opt_in(uuid, boolean);

drop function if exists private.set_networking_opt_in(uuid, boolean);

drop function if exists public.apply_event_networking_default();

ALTER TABLE participants DROP COLUMN IF EXISTS networking_opt_in;
