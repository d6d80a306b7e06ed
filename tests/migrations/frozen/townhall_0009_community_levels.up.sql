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

ALTER TABLE communities ADD COLUMN IF NOT EXISTS parent_community_id UUID;

COMMENT ON COLUMN communities.parent_community_id IS 'The parent community; null at the top level. At most five levels.';

ALTER TABLE communities ADD COLUMN IF NOT EXISTS is_sponsored BOOLEAN DEFAULT false NOT NULL;

COMMENT ON COLUMN communities.is_sponsored IS 'Whether it has a paying sponsor; written by the service.';

ALTER TABLE communities ADD COLUMN IF NOT EXISTS tier_required INTEGER DEFAULT 0 NOT NULL;

COMMENT ON COLUMN communities.tier_required IS 'The subscription tier that joining it requires: 0 free, 1 pro, 2 studio.';

alter table public.communities enable row level security;

alter table public.communities no force row level security;

revoke all on table public.communities from public, anon, authenticated, service_role;

grant select, insert (id, name, slug, description, created_by, is_private, is_archived, parent_community_id, tier_required), update (name, slug, description, is_private, is_archived, parent_community_id, tier_required) on table public.communities to authenticated;

grant all on table public.communities to service_role;

drop policy if exists "the creator with an account can insert" on public.communities;

drop policy if exists "the creator with an account below what they moderate can insert" on public.communities;

create policy "the creator with an account below what they moderate can insert" on public.communities
as permissive for insert
to authenticated
with check (
    (
        (created_by = (select auth.uid()))
        and (
            parent_community_id is null
            or parent_community_id = any (
                array(select private.my_moderated_community_ids())
            )
        )
    )
    and (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    )
);

comment on policy "the creator with an account below what they moderate can insert" on public.communities is null;

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
        and c.tier_required <= coalesce(
            (
                select p.tier
                from public.profiles as p
                where p.id = (select auth.uid())
            ),
            0
        )
)
$function$;

revoke all on function private.can_join_community(uuid) from public, anon, authenticated, service_role;

grant execute on function private.can_join_community(uuid) to authenticated;

grant execute on function private.can_join_community(uuid) to service_role;

comment on function private.can_join_community(uuid) is 'Whether a community is neither private nor archived, and the caller''s tier suffices.';

create or replace function private.check_community_levels()
returns trigger
language plpgsql
volatile security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
declare
    above uuid := new.parent_community_id;
    next_above uuid;
    above_is_private boolean;
    parent_is_private boolean;
    level integer := 1;
begin
    while above is not null and level <= 5 loop
        if above = new.id then
            raise check_violation
            using
                message = 'A community can not be below itself.',
                schema = 'public',
                table = 'communities',
                column = 'parent_community_id',
                constraint = 'community_is_not_below_itself';
        end if;
        select c.parent_community_id, c.is_private
        into next_above, above_is_private
        from public.communities as c
        where c.id = above
        for share;
        parent_is_private := coalesce(parent_is_private, above_is_private);
        level := level + 1;
        above := next_above;
    end loop;
    if exists (
        with recursive below (id, level) as (
            select new.id, level
            union all
            select c.id, b.level + 1
            from below as b
            join public.communities as c on c.parent_community_id = b.id
            where b.level <= 5
                and new.parent_community_id is distinct from old.parent_community_id
        )
        select from below as b where b.level > 5
    )
    then
        raise check_violation
        using
            message = 'Communities have at most 5 levels.',
            schema = 'public',
            table = 'communities',
            column = 'parent_community_id',
            constraint = 'community_levels';
    end if;
    if parent_is_private and not new.is_private then
        raise check_violation
        using
            message = 'A community below a private one is private.',
            schema = 'public',
            table = 'communities',
            column = 'is_private',
            constraint = 'community_below_private_is_private';
    end if;
    if new.is_private and exists (
        select
        from public.communities as c
        where c.parent_community_id = new.id
            and not c.is_private
    )
    then
        raise check_violation
        using
            message = 'A community with public ones below it can not be private.',
            hint = 'Make those private first, or in the same statement.',
            schema = 'public',
            table = 'communities',
            column = 'is_private',
            constraint = 'community_above_public_is_public';
    end if;
    return null;
end
$function$;

revoke all on function private.check_community_levels() from public, anon, authenticated, service_role;

comment on function private.check_community_levels() is 'Refuses a community below itself, on a level too many, or public below a private one.';

create or replace function private.check_parent_is_moderated()
returns trigger
language plpgsql
volatile security invoker parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    if new.parent_community_id <> all (
        array(select private.my_moderated_community_ids())
    )
    then
        raise insufficient_privilege
        using
            message = 'Only its owners and moderators put others below it.',
            schema = 'public',
            table = 'communities',
            column = 'parent_community_id',
            constraint = 'parent_community_is_moderated';
    end if;
    return new;
end
$function$;

revoke all on function private.check_parent_is_moderated() from public, anon, authenticated, service_role;

comment on function private.check_parent_is_moderated() is 'Refuses a parent community that the caller does not moderate.';

create or replace trigger check_levels_on_insert after insert
on public.communities
for each row
when (new.parent_community_id is not null)
execute function private.check_community_levels();

comment on trigger check_levels_on_insert on public.communities is 'Checks the place of a new community.';

create or replace trigger check_levels_on_update after update of parent_community_id, is_private
on public.communities
for each row
when (
    (new.parent_community_id, new.is_private)
    is distinct from (old.parent_community_id, old.is_private)
)
execute function private.check_community_levels();

comment on trigger check_levels_on_update on public.communities is 'Checks the place of a community that moves, or becomes private or public.';

create or replace trigger check_parent_is_moderated before update of parent_community_id
on public.communities
for each row
when (
    new.parent_community_id is distinct from old.parent_community_id
    and new.parent_community_id is not null
    and row_security_active('public.communities')
    and not pg_has_role('service_role', 'usage')
)
execute function private.check_parent_is_moderated();

comment on trigger check_parent_is_moderated on public.communities is 'A client can move a community only below one that they moderate.';

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
