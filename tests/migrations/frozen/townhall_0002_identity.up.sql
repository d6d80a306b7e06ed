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
                where c.oid = to_regclass('public.organization_members')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.organization_members in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.profiles')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.profiles in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.organizations')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.organizations in access exclusive mode;
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

CREATE TABLE IF NOT EXISTS profiles (
    id UUID NOT NULL,
    full_name TEXT,
    avatar_url TEXT,
    stage TEXT,
    industry TEXT,
    tier INTEGER DEFAULT 0 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_profiles PRIMARY KEY (id),
    CONSTRAINT ck_profiles_avatar_url_bounds CHECK (char_length(avatar_url) <= 2000),
    CONSTRAINT ck_profiles_full_name_bounds CHECK (char_length(full_name) <= 200),
    CONSTRAINT ck_profiles_industry_bounds CHECK (char_length(industry) <= 200),
    CONSTRAINT ck_profiles_stage_bounds CHECK (char_length(stage) <= 200),
    CONSTRAINT ck_profiles_tier_known CHECK (tier between 0 and 2),
    CONSTRAINT fk_profiles_id_users FOREIGN KEY(id) REFERENCES auth.users (id) ON DELETE CASCADE
);

COMMENT ON TABLE profiles IS 'The profile of a person; one row per account.';

COMMENT ON COLUMN profiles.id IS 'The account, auth.users.id.';

COMMENT ON COLUMN profiles.stage IS 'The stage of the person''s company.';

COMMENT ON COLUMN profiles.industry IS 'The industry of the person''s company.';

COMMENT ON COLUMN profiles.tier IS 'The subscription tier: 0 free, 1 pro, 2 studio; written by the service.';

COMMENT ON COLUMN profiles.created_at IS 'When the row was created.';

COMMENT ON COLUMN profiles.updated_at IS 'When the row last changed; maintained by a trigger.';

alter table public.profiles enable row level security;

alter table public.profiles no force row level security;

revoke all on table public.profiles from public, anon, authenticated, service_role;

grant select, insert (id, full_name, avatar_url, stage, industry), update (full_name, avatar_url, stage, industry) on table public.profiles to authenticated;

grant all on table public.profiles to service_role;

drop policy if exists "the owner can read" on public.profiles;

create policy "the owner can read" on public.profiles
as permissive for select
to authenticated
using (
    id = (select auth.uid())
);

comment on policy "the owner can read" on public.profiles is null;

drop policy if exists "the owner can insert" on public.profiles;

create policy "the owner can insert" on public.profiles
as permissive for insert
to authenticated
with check (
    id = (select auth.uid())
);

comment on policy "the owner can insert" on public.profiles is null;

drop policy if exists "the owner can update" on public.profiles;

create policy "the owner can update" on public.profiles
as permissive for update
to authenticated
using (
    id = (select auth.uid())
)
with check (
    id = (select auth.uid())
);

comment on policy "the owner can update" on public.profiles is null;

drop policy if exists "the service can do everything" on public.profiles;

create policy "the service can do everything" on public.profiles
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.profiles is null;

create or replace trigger update_profiles_updated_at before update
on public.profiles
for each row
execute function private.update_updated_at_column();

comment on trigger update_profiles_updated_at on public.profiles is 'Sets updated_at.';

CREATE TABLE IF NOT EXISTS organizations (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    settings JSONB DEFAULT '{}'::jsonb NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_organizations PRIMARY KEY (id),
    CONSTRAINT ck_organizations_name_bounds CHECK (char_length(name) <= 200 and name ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'),
    CONSTRAINT ck_organizations_settings_bounds CHECK (octet_length(settings::text) <= 262144 and not jsonb_path_exists(settings, 'strict $.**{32} ? (@.type() == "object" || @.type() == "array")') and not jsonb_path_exists(settings, 'strict $.** ? (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308)')),
    CONSTRAINT ck_organizations_slug_bounds CHECK (char_length(slug) <= 200 and slug ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'),
    CONSTRAINT ck_organizations_settings_is_object CHECK (jsonb_typeof(settings) = 'object'),
    CONSTRAINT uq_organizations_slug UNIQUE (slug)
);

COMMENT ON TABLE organizations IS 'A company or group that runs events.';

COMMENT ON COLUMN organizations.slug IS 'The name in URLs.';

COMMENT ON COLUMN organizations.settings IS 'The organization''s preferences.';

COMMENT ON COLUMN organizations.created_at IS 'When the row was created.';

COMMENT ON COLUMN organizations.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE TABLE IF NOT EXISTS organization_members (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    organization_id UUID NOT NULL,
    user_id UUID NOT NULL,
    role TEXT DEFAULT 'viewer' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_organization_members PRIMARY KEY (id),
    CONSTRAINT ck_organization_members_role_known CHECK (role in ('owner', 'manager', 'viewer')),
    CONSTRAINT fk_organization_members_organization_id_organizations FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT fk_organization_members_user_id_users FOREIGN KEY(user_id) REFERENCES auth.users (id) ON DELETE CASCADE,
    CONSTRAINT uq_organization_members_organization_id_user_id UNIQUE (organization_id, user_id)
);

COMMENT ON TABLE organization_members IS 'The members of an organization, with their roles.';

COMMENT ON COLUMN organization_members.role IS 'Owners manage the organization, managers its events; viewers read.';

COMMENT ON COLUMN organization_members.created_at IS 'When the row was created.';

CREATE INDEX IF NOT EXISTS ix_organization_members_user_id_organization_id ON organization_members (user_id, organization_id);

create or replace function private.my_organization_ids()
returns setof uuid
language plpgsql
stable security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    perform set_config(
        'asked_at.public.organizations.id', statement_timestamp()::text, true
    );
    return query
    select mine.id::uuid
    from (
        select m.organization_id
        from public.organization_members as m
        where m.user_id = (select auth.uid())
    ) as mine (id);
end
$function$;

revoke all on function private.my_organization_ids() from public, anon, authenticated, service_role;

grant execute on function private.my_organization_ids() to authenticated;

grant execute on function private.my_organization_ids() to service_role;

comment on function private.my_organization_ids() is 'The organizations that the caller belongs to.';

create or replace view private.my_organization_ids_by_id
with (security_barrier = true) as
select mine.id::uuid
from (
    select m.organization_id
    from public.organization_members as m
    where m.user_id = (select auth.uid())
) as mine (id);

revoke all on table private.my_organization_ids_by_id from public, anon, authenticated, service_role;

grant select on table private.my_organization_ids_by_id to authenticated;

grant select on table private.my_organization_ids_by_id to service_role;

comment on view private.my_organization_ids_by_id is 'The ids of private.my_organization_ids(), for a lookup of single ones.';

create or replace function private.my_organization_ids_include(asked_id uuid)
returns boolean
language plpgsql
stable security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    return exists (
        select
        from private.my_organization_ids_by_id as mine
        where mine.id = $1
        offset 0
    );
end
$function$;

revoke all on function private.my_organization_ids_include(uuid) from public, anon, authenticated, service_role;

grant execute on function private.my_organization_ids_include(uuid) to authenticated;

grant execute on function private.my_organization_ids_include(uuid) to service_role;

comment on function private.my_organization_ids_include(uuid) is 'Whether an id is one of private.my_organization_ids().';

create or replace function private.my_organization_ids_ask_for(asked_id uuid)
returns boolean
language plpgsql
stable security invoker parallel unsafe cost 1
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    if current_setting('asked_at.public.organizations.id', true)
        is distinct from statement_timestamp()::text
    then
        perform
            set_config(
                'asked_for.public.organizations.id',
                case
                    when private.my_organization_ids_include($1)
                        then array[$1]::text
                    else ''
                end,
                true
            ),
            set_config(
                'asked_at.public.organizations.id',
                statement_timestamp()::text,
                true
            );
    end if;
    return true;
end
$function$;

revoke all on function private.my_organization_ids_ask_for(uuid) from public, anon, authenticated, service_role;

grant execute on function private.my_organization_ids_ask_for(uuid) to authenticated;

grant execute on function private.my_organization_ids_ask_for(uuid) to service_role;

comment on function private.my_organization_ids_ask_for(uuid) is 'Asks for the first id of a statement that is one of private.my_organization_ids().';

create or replace function private.my_managed_organization_ids()
returns setof uuid
language plpgsql
stable security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    perform set_config(
        'asked_at.public.organizations.id', statement_timestamp()::text, true
    );
    return query
    select mine.id::uuid
    from (
        select mine.id
        from (
            select m.organization_id
            from public.organization_members as m
            where m.user_id = (select auth.uid())
                and m.role in ('owner', 'manager')
        ) as mine (id)
        where (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    ) as mine (id);
end
$function$;

revoke all on function private.my_managed_organization_ids() from public, anon, authenticated, service_role;

grant execute on function private.my_managed_organization_ids() to authenticated;

grant execute on function private.my_managed_organization_ids() to service_role;

comment on function private.my_managed_organization_ids() is 'The organizations whose events the caller manages, with an account.';

create or replace view private.my_managed_organization_ids_by_id
with (security_barrier = true) as
select mine.id::uuid
from (
    select mine.id
    from (
        select m.organization_id
        from public.organization_members as m
        where m.user_id = (select auth.uid())
            and m.role in ('owner', 'manager')
    ) as mine (id)
    where (
        select
            nullif(current_setting('request.jwt.claims', true), '')::jsonb
            ->> 'is_anonymous'
    ) is distinct from 'true'
) as mine (id);

revoke all on table private.my_managed_organization_ids_by_id from public, anon, authenticated, service_role;

grant select on table private.my_managed_organization_ids_by_id to authenticated;

grant select on table private.my_managed_organization_ids_by_id to service_role;

comment on view private.my_managed_organization_ids_by_id is 'The ids of private.my_managed_organization_ids(), for a lookup of single ones.';

create or replace function private.my_managed_organization_ids_include(asked_id uuid)
returns boolean
language plpgsql
stable security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    return exists (
        select
        from private.my_managed_organization_ids_by_id as mine
        where mine.id = $1
        offset 0
    );
end
$function$;

revoke all on function private.my_managed_organization_ids_include(uuid) from public, anon, authenticated, service_role;

grant execute on function private.my_managed_organization_ids_include(uuid) to authenticated;

grant execute on function private.my_managed_organization_ids_include(uuid) to service_role;

comment on function private.my_managed_organization_ids_include(uuid) is 'Whether an id is one of private.my_managed_organization_ids().';

create or replace function private.my_managed_organization_ids_ask_for(asked_id uuid)
returns boolean
language plpgsql
stable security invoker parallel unsafe cost 1
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    if current_setting('asked_at.public.organizations.id', true)
        is distinct from statement_timestamp()::text
    then
        perform
            set_config(
                'asked_for.public.organizations.id',
                case
                    when private.my_managed_organization_ids_include($1)
                        then array[$1]::text
                    else ''
                end,
                true
            ),
            set_config(
                'asked_at.public.organizations.id',
                statement_timestamp()::text,
                true
            );
    end if;
    return true;
end
$function$;

revoke all on function private.my_managed_organization_ids_ask_for(uuid) from public, anon, authenticated, service_role;

grant execute on function private.my_managed_organization_ids_ask_for(uuid) to authenticated;

grant execute on function private.my_managed_organization_ids_ask_for(uuid) to service_role;

comment on function private.my_managed_organization_ids_ask_for(uuid) is 'Asks for the first id of a statement that is one of private.my_managed_organization_ids().';

create or replace function private.my_owned_organization_ids()
returns setof uuid
language plpgsql
stable security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    return query
    select mine.id::uuid
    from (
        select mine.id
        from (
            select m.organization_id
            from public.organization_members as m
            where m.user_id = (select auth.uid())
                and m.role in ('owner')
        ) as mine (id)
        where (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    ) as mine (id);
end
$function$;

revoke all on function private.my_owned_organization_ids() from public, anon, authenticated, service_role;

grant execute on function private.my_owned_organization_ids() to authenticated;

grant execute on function private.my_owned_organization_ids() to service_role;

comment on function private.my_owned_organization_ids() is 'The organizations that the caller is an owner of, with an account.';

alter table public.organizations enable row level security;

alter table public.organizations no force row level security;

revoke all on table public.organizations from public, anon, authenticated, service_role;

grant select, update (name, slug, settings) on table public.organizations to authenticated;

grant all on table public.organizations to service_role;

drop policy if exists "members of the organization can read" on public.organizations;

create policy "members of the organization can read" on public.organizations
as permissive for select
to authenticated
using (
    (
        (
            select current_setting('asked_at.public.organizations.id', true)
                = statement_timestamp()::text
        )
        or private.my_organization_ids_ask_for(id) is not null
    )
    and (
        id = any (
            array(
                select asked.id
                from unnest(
                    nullif(
                        current_setting('asked_for.public.organizations.id', true), ''
                    )::uuid[]
                ) as asked (id)
                where private.my_organization_ids_include(asked.id)
            )
        )
        or id = any (array(select private.my_organization_ids()))
    )
);

comment on policy "members of the organization can read" on public.organizations is null;

drop policy if exists "owners of the organization can update" on public.organizations;

create policy "owners of the organization can update" on public.organizations
as permissive for update
to authenticated
using (
    id = any (array(select private.my_owned_organization_ids()))
)
with check (
    id = any (array(select private.my_owned_organization_ids()))
);

comment on policy "owners of the organization can update" on public.organizations is null;

drop policy if exists "the service can do everything" on public.organizations;

create policy "the service can do everything" on public.organizations
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.organizations is null;

create or replace trigger update_organizations_updated_at before update
on public.organizations
for each row
execute function private.update_updated_at_column();

comment on trigger update_organizations_updated_at on public.organizations is 'Sets updated_at.';

alter table public.organization_members enable row level security;

alter table public.organization_members no force row level security;

revoke all on table public.organization_members from public, anon, authenticated, service_role;

grant select, insert (id, organization_id, user_id, role), update (role), delete on table public.organization_members to authenticated;

grant all on table public.organization_members to service_role;

drop policy if exists "members of the organization can read" on public.organization_members;

create policy "members of the organization can read" on public.organization_members
as permissive for select
to authenticated
using (
    (
        (
            select current_setting('asked_at.public.organizations.id', true)
                = statement_timestamp()::text
        )
        or private.my_organization_ids_ask_for(organization_id) is not null
    )
    and (
        organization_id = any (
            array(
                select asked.id
                from unnest(
                    nullif(
                        current_setting('asked_for.public.organizations.id', true), ''
                    )::uuid[]
                ) as asked (id)
                where private.my_organization_ids_include(asked.id)
            )
        )
        or organization_id = any (array(select private.my_organization_ids()))
    )
);

comment on policy "members of the organization can read" on public.organization_members is null;

drop policy if exists "owners of the organization can insert" on public.organization_members;

create policy "owners of the organization can insert" on public.organization_members
as permissive for insert
to authenticated
with check (
    organization_id = any (array(select private.my_owned_organization_ids()))
);

comment on policy "owners of the organization can insert" on public.organization_members is null;

drop policy if exists "owners of the organization can update" on public.organization_members;

create policy "owners of the organization can update" on public.organization_members
as permissive for update
to authenticated
using (
    organization_id = any (array(select private.my_owned_organization_ids()))
)
with check (
    organization_id = any (array(select private.my_owned_organization_ids()))
);

comment on policy "owners of the organization can update" on public.organization_members is null;

drop policy if exists "owners of the organization can delete" on public.organization_members;

create policy "owners of the organization can delete" on public.organization_members
as permissive for delete
to authenticated
using (
    organization_id = any (array(select private.my_owned_organization_ids()))
);

comment on policy "owners of the organization can delete" on public.organization_members is null;

drop policy if exists "the service can do everything" on public.organization_members;

create policy "the service can do everything" on public.organization_members
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.organization_members is null;

create or replace function private.hold_owned_organizations()
returns trigger
language plpgsql
volatile security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    perform
    from public.organizations as g
    where g.id in (
        select m.organization_id
        from public.organization_members as m
        where m.user_id = (select auth.uid()) and m.role = 'owner'
    )
    order by g.id
    for no key update;
    return null;
end
$function$;

revoke all on function private.hold_owned_organizations() from public, anon, authenticated, service_role;

comment on function private.hold_owned_organizations() is 'Locks the organizations that the caller owns until the transaction ends.';

create or replace function private.keep_owner_of_organization()
returns trigger
language plpgsql
volatile security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
declare
    changed uuid;
begin
    for changed in
        select distinct o.organization_id
        from old_members as o
        where o.role = 'owner'
    loop
        perform
        from public.organization_members as m
        where m.organization_id = changed and m.role = 'owner'
        limit 1
        for share;
        if not found then
            raise exception 'organization % would have no owner', changed
                using errcode = 'check_violation',
                    hint = 'Make another member an owner first.',
                    schema = 'public',
                    table = 'organization_members',
                    column = 'role',
                    constraint = 'organization_has_owner';
        end if;
    end loop;
    return null;
end
$function$;

revoke all on function private.keep_owner_of_organization() from public, anon, authenticated, service_role;

comment on function private.keep_owner_of_organization() is 'Refuses a statement after which the organization has no owner.';

create or replace trigger hold_owned_organizations before update or delete
on public.organization_members
for each statement
when (
    row_security_active('public.organization_members')
    and not pg_has_role('service_role', 'usage')
)
execute function private.hold_owned_organizations();

comment on trigger hold_owned_organizations on public.organization_members is 'Two owners of one organization change its members one after the other.';

create or replace trigger keep_owner_on_update after update
on public.organization_members
referencing old table as old_members
for each statement
when (
    row_security_active('public.organization_members')
    and not pg_has_role('service_role', 'usage')
)
execute function private.keep_owner_of_organization();

comment on trigger keep_owner_on_update on public.organization_members is 'A client can''t remove the last owner of the organization, or change the role.';

create or replace trigger keep_owner_on_delete after delete
on public.organization_members
referencing old table as old_members
for each statement
when (
    row_security_active('public.organization_members')
    and not pg_has_role('service_role', 'usage')
)
execute function private.keep_owner_of_organization();

comment on trigger keep_owner_on_delete on public.organization_members is 'A client can''t remove the last owner of the organization, or change the role.';
