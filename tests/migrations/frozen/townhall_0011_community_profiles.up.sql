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
                where c.oid = to_regclass('public.community_profiles')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.community_profiles in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.expert_listings')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.expert_listings in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('auth.users')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table auth.users in share row exclusive mode;
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

CREATE TABLE IF NOT EXISTS community_profiles (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    user_id UUID NOT NULL,
    display_name TEXT DEFAULT '' NOT NULL,
    bio TEXT DEFAULT '' NOT NULL,
    avatar_url TEXT,
    stage TEXT,
    industry TEXT,
    achievements TEXT[] DEFAULT '{}'::text[] NOT NULL,
    visibility_settings JSONB DEFAULT '{"show_name": true, "show_stage": true, "show_industry": true, "show_bio": true, "show_achievements": true}'::jsonb NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_community_profiles PRIMARY KEY (id),
    CONSTRAINT ck_community_profiles_achievements_bounds CHECK (cardinality(achievements) <= 100 and coalesce(array_ndims(achievements), 1) = 1 and array_position(achievements, null) is null and not jsonb_path_exists(to_jsonb(achievements), '$[*] ? (@ like_regex "^.{201}" flag "s")')),
    CONSTRAINT ck_community_profiles_avatar_url_bounds CHECK (char_length(avatar_url) <= 2000),
    CONSTRAINT ck_community_profiles_bio_bounds CHECK (char_length(bio) <= 20000),
    CONSTRAINT ck_community_profiles_display_name_bounds CHECK (char_length(display_name) <= 200),
    CONSTRAINT ck_community_profiles_industry_bounds CHECK (char_length(industry) <= 200),
    CONSTRAINT ck_community_profiles_stage_bounds CHECK (char_length(stage) <= 200),
    CONSTRAINT ck_community_profiles_visibility_settings_bounds CHECK (octet_length(visibility_settings::text) <= 262144 and not jsonb_path_exists(visibility_settings, 'strict $.**{32} ? (@.type() == "object" || @.type() == "array")') and not jsonb_path_exists(visibility_settings, 'strict $.** ? (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308)')),
    CONSTRAINT ck_community_profiles_visibility_settings_is_object CHECK (jsonb_typeof(visibility_settings) = 'object'),
    CONSTRAINT fk_community_profiles_user_id_users FOREIGN KEY(user_id) REFERENCES auth.users (id) ON DELETE CASCADE,
    CONSTRAINT uq_community_profiles_user_id UNIQUE (user_id)
);

COMMENT ON TABLE community_profiles IS 'The profile that a founder shows to the community; one row per account.';

COMMENT ON COLUMN community_profiles.stage IS 'The stage of the founder''s company.';

COMMENT ON COLUMN community_profiles.industry IS 'The industry of the founder''s company.';

COMMENT ON COLUMN community_profiles.visibility_settings IS 'The fields that applications show; signed-in users can read the whole row.';

COMMENT ON COLUMN community_profiles.created_at IS 'When the row was created.';

COMMENT ON COLUMN community_profiles.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE INDEX IF NOT EXISTS ix_community_profiles_created_at ON community_profiles (created_at DESC, id DESC);

alter table public.community_profiles enable row level security;

alter table public.community_profiles no force row level security;

revoke all on table public.community_profiles from public, anon, authenticated, service_role;

grant select, insert (id, user_id, display_name, bio, avatar_url, stage, industry, achievements, visibility_settings), update (display_name, bio, avatar_url, stage, industry, achievements, visibility_settings), delete on table public.community_profiles to authenticated;

grant all on table public.community_profiles to service_role;

drop policy if exists "signed-in users can read" on public.community_profiles;

create policy "signed-in users can read" on public.community_profiles
as permissive for select
to authenticated
using (
    true
);

comment on policy "signed-in users can read" on public.community_profiles is null;

drop policy if exists "the owner with an account can insert" on public.community_profiles;

create policy "the owner with an account can insert" on public.community_profiles
as permissive for insert
to authenticated
with check (
    (user_id = (select auth.uid()))
    and (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    )
);

comment on policy "the owner with an account can insert" on public.community_profiles is null;

drop policy if exists "the owner with an account can update" on public.community_profiles;

create policy "the owner with an account can update" on public.community_profiles
as permissive for update
to authenticated
using (
    (user_id = (select auth.uid()))
    and (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    )
)
with check (
    (user_id = (select auth.uid()))
    and (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    )
);

comment on policy "the owner with an account can update" on public.community_profiles is null;

drop policy if exists "the owner can delete" on public.community_profiles;

create policy "the owner can delete" on public.community_profiles
as permissive for delete
to authenticated
using (
    user_id = (select auth.uid())
);

comment on policy "the owner can delete" on public.community_profiles is null;

drop policy if exists "the service can do everything" on public.community_profiles;

create policy "the service can do everything" on public.community_profiles
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.community_profiles is null;

create or replace trigger update_community_profiles_updated_at before update
on public.community_profiles
for each row
execute function private.update_updated_at_column();

comment on trigger update_community_profiles_updated_at on public.community_profiles is 'Sets updated_at.';

CREATE TABLE IF NOT EXISTS expert_listings (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    user_id UUID NOT NULL,
    expertise_type TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    is_active BOOLEAN DEFAULT true NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_expert_listings PRIMARY KEY (id),
    CONSTRAINT ck_expert_listings_description_bounds CHECK (char_length(description) <= 20000),
    CONSTRAINT ck_expert_listings_title_bounds CHECK (char_length(title) <= 200 and title ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'),
    CONSTRAINT ck_expert_listings_expertise_type_known CHECK (expertise_type in ('design_review', 'tech_architecture', 'gtm_strategy', 'fundraising', 'legal', 'other')),
    CONSTRAINT fk_expert_listings_user_id_users FOREIGN KEY(user_id) REFERENCES auth.users (id) ON DELETE CASCADE
);

COMMENT ON TABLE expert_listings IS 'The expertise that founders offer.';

COMMENT ON COLUMN expert_listings.is_active IS 'Whether the offer is open.';

COMMENT ON COLUMN expert_listings.created_at IS 'When the row was created.';

COMMENT ON COLUMN expert_listings.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE INDEX IF NOT EXISTS ix_expert_listings_user_id ON expert_listings (user_id);

alter table public.expert_listings enable row level security;

alter table public.expert_listings no force row level security;

revoke all on table public.expert_listings from public, anon, authenticated, service_role;

grant select, insert (id, user_id, expertise_type, title, description, is_active), update (expertise_type, title, description, is_active), delete on table public.expert_listings to authenticated;

grant all on table public.expert_listings to service_role;

drop policy if exists "signed-in users can read" on public.expert_listings;

create policy "signed-in users can read" on public.expert_listings
as permissive for select
to authenticated
using (
    true
);

comment on policy "signed-in users can read" on public.expert_listings is null;

drop policy if exists "the owner with an account can insert" on public.expert_listings;

create policy "the owner with an account can insert" on public.expert_listings
as permissive for insert
to authenticated
with check (
    (user_id = (select auth.uid()))
    and (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    )
);

comment on policy "the owner with an account can insert" on public.expert_listings is null;

drop policy if exists "the owner with an account can update" on public.expert_listings;

create policy "the owner with an account can update" on public.expert_listings
as permissive for update
to authenticated
using (
    (user_id = (select auth.uid()))
    and (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    )
)
with check (
    (user_id = (select auth.uid()))
    and (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    )
);

comment on policy "the owner with an account can update" on public.expert_listings is null;

drop policy if exists "the owner can delete" on public.expert_listings;

create policy "the owner can delete" on public.expert_listings
as permissive for delete
to authenticated
using (
    user_id = (select auth.uid())
);

comment on policy "the owner can delete" on public.expert_listings is null;

drop policy if exists "the service can do everything" on public.expert_listings;

create policy "the service can do everything" on public.expert_listings
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.expert_listings is null;

create or replace trigger update_expert_listings_updated_at before update
on public.expert_listings
for each row
execute function private.update_updated_at_column();

comment on trigger update_expert_listings_updated_at on public.expert_listings is 'Sets updated_at.';
