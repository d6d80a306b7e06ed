ALTER TABLE communities ADD COLUMN IF NOT EXISTS parent_community_id UUID;

COMMENT ON COLUMN communities.parent_community_id IS 'The parent community; null at the top level.';

ALTER TABLE communities ADD COLUMN IF NOT EXISTS is_sponsored BOOLEAN DEFAULT false NOT NULL;

COMMENT ON COLUMN communities.is_sponsored IS 'Whether it has a paying sponsor; written by the service.';

ALTER TABLE communities ADD COLUMN IF NOT EXISTS tier_required INTEGER DEFAULT 0 NOT NULL;

COMMENT ON COLUMN communities.tier_required IS 'The subscription tier it requires: 0 free, 1 pro, 2 studio.';

alter table public.communities enable row level security;

alter table public.communities no force row level security;

revoke all on table public.communities from public, anon, authenticated, service_role;

grant select, insert (id, name, slug, description, created_by, is_private, is_archived, parent_community_id, tier_required), update (name, slug, description, is_private, is_archived, parent_community_id, tier_required) on table public.communities to authenticated;

grant all on table public.communities to service_role;

CREATE TABLE IF NOT EXISTS subcommunity_sponsors (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    sponsor_user_id UUID,
    community_id UUID NOT NULL,
    sponsor_name TEXT NOT NULL,
    sponsor_logo_url TEXT,
    sponsor_url TEXT,
    is_featured BOOLEAN DEFAULT false NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    is_active BOOLEAN DEFAULT true NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_subcommunity_sponsors PRIMARY KEY (id),
    CONSTRAINT ck_subcommunity_sponsors_expires_at_bounds CHECK (extract(year from expires_at at time zone 'UTC') between 2 and 9998),
    CONSTRAINT ck_subcommunity_sponsors_sponsor_logo_url_bounds CHECK (char_length(sponsor_logo_url) <= 2000),
    CONSTRAINT ck_subcommunity_sponsors_sponsor_name_bounds CHECK (char_length(sponsor_name) <= 200 and sponsor_name ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'),
    CONSTRAINT ck_subcommunity_sponsors_sponsor_url_bounds CHECK (char_length(sponsor_url) <= 2000),
    CONSTRAINT ck_subcommunity_sponsors_started_at_bounds CHECK (extract(year from started_at at time zone 'UTC') between 2 and 9998),
    CONSTRAINT fk_subcommunity_sponsors_sponsor_user_id_users FOREIGN KEY(sponsor_user_id) REFERENCES auth.users (id) ON DELETE SET NULL,
    CONSTRAINT fk_subcommunity_sponsors_community_id_communities FOREIGN KEY(community_id) REFERENCES communities (id) ON DELETE CASCADE,
    CONSTRAINT uq_subcommunity_sponsors_community_id_sponsor_user_id UNIQUE (community_id, sponsor_user_id)
);

COMMENT ON TABLE subcommunity_sponsors IS 'The sponsors of a community.';

COMMENT ON COLUMN subcommunity_sponsors.sponsor_user_id IS 'The sponsor''s account; null where there is none, or it was deleted.';

COMMENT ON COLUMN subcommunity_sponsors.is_featured IS 'Whether the sponsor is shown first.';

COMMENT ON COLUMN subcommunity_sponsors.started_at IS 'When the sponsorship began.';

COMMENT ON COLUMN subcommunity_sponsors.expires_at IS 'When the sponsorship ends; null for no end.';

COMMENT ON COLUMN subcommunity_sponsors.is_active IS 'Whether the sponsor is shown.';

COMMENT ON COLUMN subcommunity_sponsors.created_at IS 'When the row was created.';

COMMENT ON COLUMN subcommunity_sponsors.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE INDEX IF NOT EXISTS ix_subcommunity_sponsors_sponsor_user_id ON subcommunity_sponsors (sponsor_user_id);

alter table public.subcommunity_sponsors enable row level security;

alter table public.subcommunity_sponsors no force row level security;

revoke all on table public.subcommunity_sponsors from public, anon, authenticated, service_role;

grant select on table public.subcommunity_sponsors to authenticated;

grant all on table public.subcommunity_sponsors to service_role;

drop policy if exists "signed-in users can read" on public.subcommunity_sponsors;

create policy "signed-in users can read" on public.subcommunity_sponsors
as permissive for select
to authenticated
using (
    true
);

comment on policy "signed-in users can read" on public.subcommunity_sponsors is null;

drop policy if exists "the service can do everything" on public.subcommunity_sponsors;

create policy "the service can do everything" on public.subcommunity_sponsors
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.subcommunity_sponsors is null;

create or replace trigger update_subcommunity_sponsors_updated_at before update
on public.subcommunity_sponsors
for each row
execute function private.update_updated_at_column();

comment on trigger update_subcommunity_sponsors_updated_at on public.subcommunity_sponsors is 'Sets updated_at.';
