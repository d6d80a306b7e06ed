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
                where c.oid = to_regclass('public.community_members')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.community_members in access exclusive mode;
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

CREATE TABLE IF NOT EXISTS communities (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    description TEXT,
    created_by UUID,
    is_private BOOLEAN DEFAULT false NOT NULL,
    is_archived BOOLEAN DEFAULT false NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_communities PRIMARY KEY (id),
    CONSTRAINT ck_communities_description_bounds CHECK (char_length(description) <= 20000),
    CONSTRAINT ck_communities_name_bounds CHECK (char_length(name) <= 200 and name ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'),
    CONSTRAINT ck_communities_slug_bounds CHECK (char_length(slug) <= 200 and slug ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'),
    CONSTRAINT fk_communities_created_by_users FOREIGN KEY(created_by) REFERENCES auth.users (id) ON DELETE SET NULL,
    CONSTRAINT uq_communities_slug UNIQUE (slug)
);

COMMENT ON TABLE communities IS 'A place where founders meet.';

COMMENT ON COLUMN communities.slug IS 'The name in URLs.';

COMMENT ON COLUMN communities.created_by IS 'The account that created it; null once that account is deleted.';

COMMENT ON COLUMN communities.is_private IS 'Whether only its members and its creator can read it; all below it are private.';

COMMENT ON COLUMN communities.is_archived IS 'Whether it is closed; only its owners and its creator can read it then.';

COMMENT ON COLUMN communities.created_at IS 'When the row was created.';

COMMENT ON COLUMN communities.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE INDEX IF NOT EXISTS ix_communities_created_by ON communities (created_by);

CREATE TABLE IF NOT EXISTS community_members (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    community_id UUID NOT NULL,
    user_id UUID NOT NULL,
    role TEXT DEFAULT 'member' NOT NULL,
    joined_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_community_members PRIMARY KEY (id),
    CONSTRAINT ck_community_members_role_known CHECK (role in ('member', 'moderator', 'owner')),
    CONSTRAINT fk_community_members_community_id_communities FOREIGN KEY(community_id) REFERENCES communities (id) ON DELETE CASCADE,
    CONSTRAINT fk_community_members_user_id_users FOREIGN KEY(user_id) REFERENCES auth.users (id) ON DELETE CASCADE,
    CONSTRAINT uq_community_members_community_id_user_id UNIQUE (community_id, user_id)
);

COMMENT ON TABLE community_members IS 'The members of a community, with their roles.';

CREATE INDEX IF NOT EXISTS ix_community_members_user_id ON community_members (user_id);

create or replace function private.my_community_ids()
returns setof uuid
language plpgsql
stable security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    perform set_config(
        'asked_at.public.communities.id', statement_timestamp()::text, true
    );
    return query
    select mine.id::uuid
    from (
        select m.community_id
        from public.community_members as m
        where m.user_id = (select auth.uid())
    ) as mine (id);
end
$function$;

revoke all on function private.my_community_ids() from public, anon, authenticated, service_role;

grant execute on function private.my_community_ids() to authenticated;

grant execute on function private.my_community_ids() to service_role;

comment on function private.my_community_ids() is 'The communities that the caller belongs to.';

create or replace view private.my_community_ids_by_id
with (security_barrier = true) as
select mine.id::uuid
from (
    select m.community_id
    from public.community_members as m
    where m.user_id = (select auth.uid())
) as mine (id);

revoke all on table private.my_community_ids_by_id from public, anon, authenticated, service_role;

grant select on table private.my_community_ids_by_id to authenticated;

grant select on table private.my_community_ids_by_id to service_role;

comment on view private.my_community_ids_by_id is 'The ids of private.my_community_ids(), for a lookup of single ones.';

create or replace function private.my_community_ids_include(asked_id uuid)
returns boolean
language plpgsql
stable security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    return exists (
        select
        from private.my_community_ids_by_id as mine
        where mine.id = $1
        offset 0
    );
end
$function$;

revoke all on function private.my_community_ids_include(uuid) from public, anon, authenticated, service_role;

grant execute on function private.my_community_ids_include(uuid) to authenticated;

grant execute on function private.my_community_ids_include(uuid) to service_role;

comment on function private.my_community_ids_include(uuid) is 'Whether an id is one of private.my_community_ids().';

create or replace function private.my_community_ids_ask_for(asked_id uuid)
returns boolean
language plpgsql
stable security invoker parallel unsafe cost 1
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    if current_setting('asked_at.public.communities.id', true)
        is distinct from statement_timestamp()::text
    then
        perform
            set_config(
                'asked_for.public.communities.id',
                case
                    when private.my_community_ids_include($1)
                        then array[$1]::text
                    else ''
                end,
                true
            ),
            set_config(
                'asked_at.public.communities.id',
                statement_timestamp()::text,
                true
            );
    end if;
    return true;
end
$function$;

revoke all on function private.my_community_ids_ask_for(uuid) from public, anon, authenticated, service_role;

grant execute on function private.my_community_ids_ask_for(uuid) to authenticated;

grant execute on function private.my_community_ids_ask_for(uuid) to service_role;

comment on function private.my_community_ids_ask_for(uuid) is 'Asks for the first id of a statement that is one of private.my_community_ids().';

create or replace function private.my_moderated_community_ids()
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
            select m.community_id
            from public.community_members as m
            where m.user_id = (select auth.uid())
                and m.role in ('moderator', 'owner')
        ) as mine (id)
        where (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    ) as mine (id);
end
$function$;

revoke all on function private.my_moderated_community_ids() from public, anon, authenticated, service_role;

grant execute on function private.my_moderated_community_ids() to authenticated;

grant execute on function private.my_moderated_community_ids() to service_role;

comment on function private.my_moderated_community_ids() is 'The communities that the caller is a moderator or an owner of, with an account.';

create or replace function private.my_owned_community_ids()
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
            select m.community_id
            from public.community_members as m
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

revoke all on function private.my_owned_community_ids() from public, anon, authenticated, service_role;

grant execute on function private.my_owned_community_ids() to authenticated;

grant execute on function private.my_owned_community_ids() to service_role;

comment on function private.my_owned_community_ids() is 'The communities that the caller is an owner of, with an account.';

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

create or replace function private.add_creator_as_owner()
returns trigger
language plpgsql
volatile security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    insert into public.community_members (community_id, user_id, role)
    values (new.id, new.created_by, 'owner');
    return null;
end
$function$;

revoke all on function private.add_creator_as_owner() from public, anon, authenticated, service_role;

comment on function private.add_creator_as_owner() is 'Makes the creator of a new community a member of it, as its owner.';

alter table public.communities enable row level security;

alter table public.communities no force row level security;

revoke all on table public.communities from public, anon, authenticated, service_role;

grant select, insert (id, name, slug, description, created_by, is_private, is_archived), update (name, slug, description, is_private, is_archived) on table public.communities to authenticated;

grant all on table public.communities to service_role;

drop policy if exists "the creator, owners or visitors can read" on public.communities;

create policy "the creator, owners or visitors can read" on public.communities
as permissive for select
to authenticated
using (
    (
        (not is_archived) is not true
        or (
            select current_setting('asked_at.public.communities.id', true)
                = statement_timestamp()::text
        )
        or private.my_community_ids_ask_for(id) is not null
    )
    and (
        created_by = (select auth.uid())
        or not is_archived and not is_private
        or (
            id = any (
                array(
                    select asked.id
                    from unnest(
                        nullif(
                            current_setting('asked_for.public.communities.id', true), ''
                        )::uuid[]
                    ) as asked (id)
                    where private.my_community_ids_include(asked.id)
                )
            )
            or id = any (array(select private.my_community_ids()))
        )
        and (not is_archived)
        or id = any (array(select private.my_owned_community_ids()))
    )
);

comment on policy "the creator, owners or visitors can read" on public.communities is null;

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

drop policy if exists "owners of the community can update" on public.communities;

create policy "owners of the community can update" on public.communities
as permissive for update
to authenticated
using (
    id = any (array(select private.my_owned_community_ids()))
)
with check (
    id = any (array(select private.my_owned_community_ids()))
);

comment on policy "owners of the community can update" on public.communities is null;

drop policy if exists "the service can do everything" on public.communities;

create policy "the service can do everything" on public.communities
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.communities is null;

create or replace trigger update_communities_updated_at before update
on public.communities
for each row
execute function private.update_updated_at_column();

comment on trigger update_communities_updated_at on public.communities is 'Sets updated_at.';

create or replace trigger add_creator_as_owner after insert
on public.communities
for each row
when (new.created_by is not null)
execute function private.add_creator_as_owner();

comment on trigger add_creator_as_owner on public.communities is 'The creator of a community is its first owner.';

alter table public.community_members enable row level security;

alter table public.community_members no force row level security;

revoke all on table public.community_members from public, anon, authenticated, service_role;

grant select, insert (id, community_id, user_id, role), update (role), delete on table public.community_members to authenticated;

grant all on table public.community_members to service_role;

drop policy if exists "members of the community or the member can read" on public.community_members;

create policy "members of the community or the member can read" on public.community_members
as permissive for select
to authenticated
using (
    (
        (
            select current_setting('asked_at.public.communities.id', true)
                = statement_timestamp()::text
        )
        or private.my_community_ids_ask_for(community_id) is not null
    )
    and (
        user_id = (select auth.uid())
        or community_id = any (
            array(
                select asked.id
                from unnest(
                    nullif(
                        current_setting('asked_for.public.communities.id', true), ''
                    )::uuid[]
                ) as asked (id)
                where private.my_community_ids_include(asked.id)
            )
        )
        or community_id = any (array(select private.my_community_ids()))
    )
);

comment on policy "members of the community or the member can read" on public.community_members is null;

drop policy if exists "members with an account who may join, or owners can insert" on public.community_members;

create policy "members with an account who may join, or owners can insert" on public.community_members
as permissive for insert
to authenticated
with check (
    (
        (user_id = (select auth.uid()))
        and (role = 'member' and private.can_join_community(community_id))
    )
    and (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    )
    or community_id = any (array(select private.my_owned_community_ids()))
);

comment on policy "members with an account who may join, or owners can insert" on public.community_members is null;

drop policy if exists "owners of the community can update" on public.community_members;

create policy "owners of the community can update" on public.community_members
as permissive for update
to authenticated
using (
    community_id = any (array(select private.my_owned_community_ids()))
)
with check (
    community_id = any (array(select private.my_owned_community_ids()))
);

comment on policy "owners of the community can update" on public.community_members is null;

drop policy if exists "the member, owners, or moderators removing members can delete" on public.community_members;

create policy "the member, owners, or moderators removing members can delete" on public.community_members
as permissive for delete
to authenticated
using (
    user_id = (select auth.uid())
    or community_id = any (array(select private.my_owned_community_ids()))
    or (community_id = any (array(select private.my_moderated_community_ids())))
    and (role = 'member')
);

comment on policy "the member, owners, or moderators removing members can delete" on public.community_members is null;

drop policy if exists "the service can do everything" on public.community_members;

create policy "the service can do everything" on public.community_members
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.community_members is null;

create or replace function private.hold_owned_communities()
returns trigger
language plpgsql
volatile security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    perform
    from public.communities as g
    where g.id in (
        select m.community_id
        from public.community_members as m
        where m.user_id = (select auth.uid()) and m.role = 'owner'
    )
    order by g.id
    for no key update;
    return null;
end
$function$;

revoke all on function private.hold_owned_communities() from public, anon, authenticated, service_role;

comment on function private.hold_owned_communities() is 'Locks the communities that the caller owns until the transaction ends.';

create or replace function private.keep_owner_of_community()
returns trigger
language plpgsql
volatile security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
declare
    changed uuid;
begin
    for changed in
        select distinct o.community_id
        from old_members as o
        where o.role = 'owner'
    loop
        perform
        from public.community_members as m
        where m.community_id = changed and m.role = 'owner'
        limit 1
        for share;
        if not found then
            raise exception 'community % would have no owner', changed
                using errcode = 'check_violation',
                    hint = 'Make another member an owner first.',
                    schema = 'public',
                    table = 'community_members',
                    column = 'role',
                    constraint = 'community_has_owner';
        end if;
    end loop;
    return null;
end
$function$;

revoke all on function private.keep_owner_of_community() from public, anon, authenticated, service_role;

comment on function private.keep_owner_of_community() is 'Refuses a statement after which the community has no owner.';

create or replace trigger hold_owned_communities before update or delete
on public.community_members
for each statement
when (
    row_security_active('public.community_members')
    and not pg_has_role('service_role', 'usage')
)
execute function private.hold_owned_communities();

comment on trigger hold_owned_communities on public.community_members is 'Two owners of one community change its members one after the other.';

create or replace trigger keep_owner_on_update after update
on public.community_members
referencing old table as old_members
for each statement
when (
    row_security_active('public.community_members')
    and not pg_has_role('service_role', 'usage')
)
execute function private.keep_owner_of_community();

comment on trigger keep_owner_on_update on public.community_members is 'A client can''t remove the last owner of the community, or change the role.';

create or replace trigger keep_owner_on_delete after delete
on public.community_members
referencing old table as old_members
for each statement
when (
    row_security_active('public.community_members')
    and not pg_has_role('service_role', 'usage')
)
execute function private.keep_owner_of_community();

comment on trigger keep_owner_on_delete on public.community_members is 'A client can''t remove the last owner of the community, or change the role.';

update public.community_members as m
        set role = 'owner'
        from public.communities as c
        where c.id = m.community_id
            and c.created_by = m.user_id
            and not exists (
                select
                from public.community_members as o
                where o.community_id = c.id
                    and o.role = 'owner'
            );

insert into public.community_members (community_id, user_id, role)
        select c.id, c.created_by, 'owner'
        from public.communities as c
        where c.created_by is not null
            and not exists (
                select
                from public.community_members as o
                where o.community_id = c.id
                    and o.role = 'owner'
            );
