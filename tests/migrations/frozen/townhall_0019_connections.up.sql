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
                where c.oid = to_regclass('public.social_feed_comments')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.social_feed_comments in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.social_feed_reactions')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.social_feed_reactions in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.founder_connections')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.founder_connections in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.founder_messages')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.founder_messages in access exclusive mode;
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

CREATE TABLE IF NOT EXISTS founder_connections (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    requester_id UUID NOT NULL,
    recipient_id UUID NOT NULL,
    status TEXT DEFAULT 'pending' NOT NULL,
    source TEXT DEFAULT 'directory' NOT NULL,
    declined_by UUID,
    blocked_by_requester BOOLEAN DEFAULT false NOT NULL,
    blocked_by_recipient BOOLEAN DEFAULT false NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_founder_connections PRIMARY KEY (id),
    CONSTRAINT ck_founder_connections_blocked_by_a_party CHECK ((status = 'blocked') = (blocked_by_requester or blocked_by_recipient)),
    CONSTRAINT ck_founder_connections_source_known CHECK (source in ('directory', 'cohort', 'fred_suggestion', 'community')),
    CONSTRAINT ck_founder_connections_status_known CHECK (status in ('pending', 'accepted', 'blocked', 'declined')),
    CONSTRAINT ck_founder_connections_between_two CHECK (requester_id <> recipient_id),
    CONSTRAINT fk_founder_connections_recipient_id_users FOREIGN KEY(recipient_id) REFERENCES auth.users (id) ON DELETE CASCADE,
    CONSTRAINT fk_founder_connections_requester_id_users FOREIGN KEY(requester_id) REFERENCES auth.users (id) ON DELETE CASCADE,
    CONSTRAINT uq_founder_connections_requester_id_recipient_id UNIQUE (requester_id, recipient_id)
);

COMMENT ON TABLE founder_connections IS 'Requests of founders for a connection, their answers and blocks; one row per pair of founders.';

COMMENT ON COLUMN founder_connections.requester_id IS 'The account that sent the request.';

COMMENT ON COLUMN founder_connections.recipient_id IS 'The account that received the request.';

COMMENT ON COLUMN founder_connections.status IS 'The answer; blocked while one of the two blocks the other.';

COMMENT ON COLUMN founder_connections.source IS 'Where the requester found the recipient.';

COMMENT ON COLUMN founder_connections.declined_by IS 'The party that declined or withdrew the request; maintained by a trigger.';

COMMENT ON COLUMN founder_connections.blocked_by_requester IS 'Whether the requester blocks the recipient; written by block_founder().';

COMMENT ON COLUMN founder_connections.blocked_by_recipient IS 'Whether the recipient blocks the requester; written by block_founder().';

COMMENT ON COLUMN founder_connections.created_at IS 'When the row was created.';

COMMENT ON COLUMN founder_connections.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE INDEX IF NOT EXISTS ix_founder_connections_recipient_id ON founder_connections (recipient_id);

CREATE UNIQUE INDEX IF NOT EXISTS uq_founder_connections_pair ON founder_connections (least(requester_id, recipient_id), greatest(requester_id, recipient_id));

create or replace function private.my_blocked_user_ids()
returns setof uuid
language plpgsql
stable security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    return query
    select mine.id::uuid
    from (
        select c.recipient_id
        from public.founder_connections as c
        where c.requester_id = (select auth.uid())
            and c.status = 'blocked'
        union all
        select c.requester_id
        from public.founder_connections as c
        where c.recipient_id = (select auth.uid())
            and c.status = 'blocked'
    ) as mine (id);
end
$function$;

revoke all on function private.my_blocked_user_ids() from public, anon, authenticated, service_role;

grant execute on function private.my_blocked_user_ids() to authenticated;

grant execute on function private.my_blocked_user_ids() to service_role;

comment on function private.my_blocked_user_ids() is 'The users who block the caller, and those whom the caller blocks.';

create or replace function private.is_comment_of_blocked(comment_id uuid)
returns boolean
language sql
stable security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
select exists (
    select
    from public.social_feed_comments as c
    where c.id = is_comment_of_blocked.comment_id
        and c.author_id = any (array(select private.my_blocked_user_ids()))
)
$function$;

revoke all on function private.is_comment_of_blocked(uuid) from public, anon, authenticated, service_role;

grant execute on function private.is_comment_of_blocked(uuid) to authenticated;

grant execute on function private.is_comment_of_blocked(uuid) to service_role;

comment on function private.is_comment_of_blocked(uuid) is 'Whether the author of a comment blocks the caller, or the caller that author.';

create or replace function private.is_post_of_blocked(post_id uuid)
returns boolean
language sql
stable security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
select exists (
    select
    from public.social_feed_posts as p
    where p.id = is_post_of_blocked.post_id
        and p.author_id = any (array(select private.my_blocked_user_ids()))
)
$function$;

revoke all on function private.is_post_of_blocked(uuid) from public, anon, authenticated, service_role;

grant execute on function private.is_post_of_blocked(uuid) to authenticated;

grant execute on function private.is_post_of_blocked(uuid) to service_role;

comment on function private.is_post_of_blocked(uuid) is 'Whether the author of a post blocks the caller, or the caller that author.';

create or replace function private.block_founder(user_id uuid)
returns void
language plpgsql
volatile security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
declare
    caller uuid := (select auth.uid());
begin
    if caller is null then
        raise insufficient_privilege
        using message = 'Only a signed-in user can block a founder.',
            schema = 'public',
            table = 'founder_connections',
            constraint = 'blocker_is_signed_in';
    end if;
    if not (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    ) then
        raise insufficient_privilege
        using message = 'Only a user with an account can block a founder.',
            schema = 'public',
            table = 'founder_connections',
            constraint = 'blocker_has_account';
    end if;
    loop
        update public.founder_connections as c
        set
            status = 'blocked',
            blocked_by_requester =
                c.blocked_by_requester or c.requester_id = caller,
            blocked_by_recipient =
                c.blocked_by_recipient or c.recipient_id = caller
        where least(c.requester_id, c.recipient_id)
                = least(caller, block_founder.user_id)
            and greatest(c.requester_id, c.recipient_id)
                = greatest(caller, block_founder.user_id);
        exit when found;
        insert into public.founder_connections (
            requester_id, recipient_id, status, blocked_by_requester
        )
        values (
            caller, block_founder.user_id, 'blocked', true
        )
        on conflict do nothing;
        exit when found;
    end loop;
end
$function$;

revoke all on function private.block_founder(uuid) from public, anon, authenticated, service_role;

grant execute on function private.block_founder(uuid) to authenticated;

comment on function private.block_founder(uuid) is 'Blocks a founder for the caller: neither asks the other for a connection, nor sends them messages, reactions or comments.';

create or replace function public.block_founder(user_id uuid)
returns void
language sql
volatile security invoker parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
select private.block_founder(user_id)
$function$;

revoke all on function public.block_founder(uuid) from public, anon, authenticated, service_role;

grant execute on function public.block_founder(uuid) to authenticated;

comment on function public.block_founder(uuid) is 'Blocks a founder for the caller: neither asks the other for a connection, nor sends them messages, reactions or comments.';

create or replace function private.unblock_founder(user_id uuid)
returns void
language plpgsql
volatile security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
declare
    caller uuid := (select auth.uid());
    blocked uuid;
begin
    if caller is null then
        raise insufficient_privilege
        using message = 'Only a signed-in user can unblock a founder.',
            schema = 'public',
            table = 'founder_connections',
            constraint = 'blocker_is_signed_in';
    end if;
    select c.id
    into blocked
    from public.founder_connections as c
    where least(c.requester_id, c.recipient_id)
            = least(caller, unblock_founder.user_id)
        and greatest(c.requester_id, c.recipient_id)
            = greatest(caller, unblock_founder.user_id)
        and c.status = 'blocked'
    for update;
    delete from public.founder_connections as c
    where c.id = blocked
        and not (c.blocked_by_requester and c.requester_id <> caller)
        and not (c.blocked_by_recipient and c.recipient_id <> caller)
        and coalesce(c.declined_by, caller) = caller;
    update public.founder_connections as c
    set
        status = case
            when c.blocked_by_requester and c.requester_id <> caller
                or c.blocked_by_recipient and c.recipient_id <> caller
                then 'blocked'
            else 'declined'
        end,
        blocked_by_requester = c.blocked_by_requester and c.requester_id <> caller,
        blocked_by_recipient = c.blocked_by_recipient and c.recipient_id <> caller
    where c.id = blocked;
end
$function$;

revoke all on function private.unblock_founder(uuid) from public, anon, authenticated, service_role;

grant execute on function private.unblock_founder(uuid) to authenticated;

comment on function private.unblock_founder(uuid) is 'Ends the caller''s block of a founder. A block by the founder stays, and so does their refusal of a request; without either the two can ask each other again.';

create or replace function public.unblock_founder(user_id uuid)
returns void
language sql
volatile security invoker parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
select private.unblock_founder(user_id)
$function$;

revoke all on function public.unblock_founder(uuid) from public, anon, authenticated, service_role;

grant execute on function public.unblock_founder(uuid) to authenticated;

comment on function public.unblock_founder(uuid) is 'Ends the caller''s block of a founder. A block by the founder stays, and so does their refusal of a request; without either the two can ask each other again.';

create or replace function private.keep_connection()
returns trigger
language plpgsql
volatile security invoker parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
declare
    caller uuid := (select auth.uid());
begin
    if new.status <> 'blocked'
        and old.status = 'blocked'
    then
        new.blocked_by_requester := false;
        new.blocked_by_recipient := false;
    elsif new.blocked_by_requester or new.blocked_by_recipient then
        new.status := 'blocked';
    elsif new.status = 'blocked' then
        new.blocked_by_recipient := true;
    end if;
    if new.status = 'declined' then
        new.declined_by := coalesce(
            new.declined_by,
            case
                when caller = new.requester_id then caller
                else new.recipient_id
            end
        );
    elsif new.status <> 'blocked' then
        new.declined_by := null;
    end if;
    return new;
end
$function$;

revoke all on function private.keep_connection() from public, anon, authenticated, service_role;

comment on function private.keep_connection() is 'Keeps who declined and who blocks in agreement with the status of a connection.';

alter table public.founder_connections enable row level security;

alter table public.founder_connections no force row level security;

revoke all on table public.founder_connections from public, anon, authenticated, service_role;

grant select, insert (id, requester_id, recipient_id, status, source), update (status), delete on table public.founder_connections to authenticated;

grant all on table public.founder_connections to service_role;

drop policy if exists "the requester or the recipient can read" on public.founder_connections;

create policy "the requester or the recipient can read" on public.founder_connections
as permissive for select
to authenticated
using (
    requester_id = (select auth.uid())
    or recipient_id = (select auth.uid())
);

comment on policy "the requester or the recipient can read" on public.founder_connections is null;

drop policy if exists "the requester with an account asking to connect can insert" on public.founder_connections;

create policy "the requester with an account asking to connect can insert" on public.founder_connections
as permissive for insert
to authenticated
with check (
    (
        (requester_id = (select auth.uid()))
        and (
            (
                select
                    nullif(current_setting('request.jwt.claims', true), '')::jsonb
                    ->> 'is_anonymous'
            ) is distinct from 'true'
        )
    )
    and (status = 'pending')
);

comment on policy "the requester with an account asking to connect can insert" on public.founder_connections is null;

drop policy if exists "the requester or the recipient of a pending request can update" on public.founder_connections;

create policy "the requester or the recipient of a pending request can update" on public.founder_connections
as permissive for update
to authenticated
using (
    (
        requester_id = (select auth.uid())
        or recipient_id = (select auth.uid())
    )
    and (status = 'pending')
)
with check (
    (
        (recipient_id = (select auth.uid()))
        and (
            (
                select
                    nullif(current_setting('request.jwt.claims', true), '')::jsonb
                    ->> 'is_anonymous'
            ) is distinct from 'true'
        )
    )
    and (status = 'accepted')
    or (
        requester_id = (select auth.uid())
        or recipient_id = (select auth.uid())
    )
    and (status = 'declined')
);

comment on policy "the requester or the recipient of a pending request can update" on public.founder_connections is null;

drop policy if exists "the requester or the recipient if theirs to end can delete" on public.founder_connections;

create policy "the requester or the recipient if theirs to end can delete" on public.founder_connections
as permissive for delete
to authenticated
using (
    (
        requester_id = (select auth.uid())
        or recipient_id = (select auth.uid())
    )
    and (
        status = 'accepted'
        or status = 'pending' and requester_id = (select auth.uid())
        or status = 'declined' and (select auth.uid()) = declined_by
    )
);

comment on policy "the requester or the recipient if theirs to end can delete" on public.founder_connections is null;

drop policy if exists "the service can do everything" on public.founder_connections;

create policy "the service can do everything" on public.founder_connections
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.founder_connections is null;

create or replace trigger update_founder_connections_updated_at before update
on public.founder_connections
for each row
execute function private.update_updated_at_column();

comment on trigger update_founder_connections_updated_at on public.founder_connections is 'Sets updated_at.';

create or replace trigger keep_connection before insert or update
on public.founder_connections
for each row
execute function private.keep_connection();

comment on trigger keep_connection on public.founder_connections is 'Maintains declined_by, and the sides of a block.';

drop policy if exists "readers of the post with an account unless blocked can insert" on public.social_feed_reactions;

create policy "readers of the post with an account unless blocked can insert" on public.social_feed_reactions
as permissive for insert
to authenticated
with check (
    (
        (user_id = (select auth.uid()))
        and (
            exists (
                select
                from public.social_feed_posts as parent
                where parent.id = social_feed_reactions.post_id
                    and (
                        parent.author_id
                        <> all (array(select private.my_blocked_user_ids()))
                    )
                offset 0
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

comment on policy "readers of the post with an account unless blocked can insert" on public.social_feed_reactions is null;

drop policy if exists "readers of the post with an account unless blocked can insert" on public.social_feed_comments;

create policy "readers of the post with an account unless blocked can insert" on public.social_feed_comments
as permissive for insert
to authenticated
with check (
    (
        (author_id = (select auth.uid()))
        and (
            exists (
                select
                from public.social_feed_posts as parent
                where parent.id = social_feed_comments.post_id
                    and (
                        parent.author_id
                        <> all (array(select private.my_blocked_user_ids()))
                    )
                offset 0
            )
            and (
                parent_comment_id is null
                or not private.is_comment_of_blocked(parent_comment_id)
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

comment on policy "readers of the post with an account unless blocked can insert" on public.social_feed_comments is null;

drop policy if exists "the author with an account can update" on public.social_feed_comments;

create policy "the author with an account can update" on public.social_feed_comments
as permissive for update
to authenticated
using (
    (author_id = (select auth.uid()))
    and (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    )
)
with check (
    (
        (author_id = (select auth.uid()))
        and (
            not private.is_post_of_blocked(post_id)
            and (
                parent_comment_id is null
                or not private.is_comment_of_blocked(parent_comment_id)
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

comment on policy "the author with an account can update" on public.social_feed_comments is null;

drop policy if exists "the sender with an account to another unless blocked can insert" on public.founder_messages;

create policy "the sender with an account to another unless blocked can insert" on public.founder_messages
as permissive for insert
to authenticated
with check (
    (
        (sender_id = (select auth.uid()))
        and (
            (
                select
                    nullif(current_setting('request.jwt.claims', true), '')::jsonb
                    ->> 'is_anonymous'
            ) is distinct from 'true'
        )
    )
    and (
        recipient_id <> sender_id
        and recipient_id <> all (array(select private.my_blocked_user_ids()))
    )
);

comment on policy "the sender with an account to another unless blocked can insert" on public.founder_messages is null;
