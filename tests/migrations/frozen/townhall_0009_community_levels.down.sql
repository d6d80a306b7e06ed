DROP TABLE IF EXISTS subcommunity_sponsors;

alter table public.communities enable row level security;

alter table public.communities no force row level security;

revoke all on table public.communities from public, anon, authenticated, service_role;

grant select, insert (id, name, slug, description, created_by, is_private, is_archived), update (name, slug, description, is_private, is_archived) on table public.communities to authenticated;

grant all on table public.communities to service_role;

ALTER TABLE communities DROP COLUMN IF EXISTS tier_required;

ALTER TABLE communities DROP COLUMN IF EXISTS is_sponsored;

ALTER TABLE communities DROP COLUMN IF EXISTS parent_community_id;
