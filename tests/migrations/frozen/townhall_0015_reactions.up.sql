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
                where c.oid = to_regclass('public.social_feed_reactions')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.social_feed_reactions in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.social_feed_posts')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.social_feed_posts in share row exclusive mode;
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

CREATE TABLE IF NOT EXISTS social_feed_reactions (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    user_id UUID NOT NULL,
    post_id UUID NOT NULL,
    reaction_type TEXT DEFAULT 'encourage' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_social_feed_reactions PRIMARY KEY (id),
    CONSTRAINT ck_social_feed_reactions_reaction_type_known CHECK (reaction_type in ('encourage', 'celebrate', 'insightful')),
    CONSTRAINT fk_social_feed_reactions_user_id_users FOREIGN KEY(user_id) REFERENCES auth.users (id) ON DELETE CASCADE,
    CONSTRAINT fk_social_feed_reactions_post_id_social_feed_posts FOREIGN KEY(post_id) REFERENCES social_feed_posts (id) ON DELETE CASCADE,
    CONSTRAINT uq_social_feed_reactions_post_id_user_id_reaction_type UNIQUE (post_id, user_id, reaction_type)
);

COMMENT ON TABLE social_feed_reactions IS 'Reactions to a post; each user has each kind at most once.';

COMMENT ON COLUMN social_feed_reactions.created_at IS 'When the row was created.';

CREATE INDEX IF NOT EXISTS ix_social_feed_reactions_user_id ON social_feed_reactions (user_id);

create or replace function private.keep_reaction_count()
returns trigger
language plpgsql
volatile security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
declare
    added_to uuid[];
    removed_from uuid[];
    changed uuid[];
    posts uuid[];
    changes bigint[];
begin
    if tg_op <> 'DELETE' then
        added_to := array(select a.post_id from added as a);
    end if;
    if tg_op <> 'INSERT' then
        removed_from := array(select r.post_id from removed as r);
    end if;
    changed := added_to || removed_from;
    if cardinality(changed) = 1 then
        update public.social_feed_posts as p
        set reaction_count = greatest(
            p.reaction_count + case tg_op when 'INSERT' then 1 else -1 end, 0
        )
        where p.id = changed[1];
        return null;
    end if;
    select array_agg(c.post_id), array_agg(c.change)
    into posts, changes
    from (
        select c.post_id, sum(c.change) as change
        from (
            select a.post_id, 1
            from unnest(added_to) as a (post_id)
            union all
            select r.post_id, -1
            from unnest(removed_from) as r (post_id)
        ) as c (post_id, change)
        group by c.post_id
        having sum(c.change) <> 0
    ) as c;
    if posts is null then
        return null;
    end if;
    perform
    from public.social_feed_posts as p
    where p.id = any (posts)
    order by p.id
    for no key update;
    update public.social_feed_posts as p
    set reaction_count = greatest(p.reaction_count + c.change, 0)
    from unnest(posts, changes) as c (post_id, change)
    where p.id = c.post_id;
    return null;
end
$function$;

revoke all on function private.keep_reaction_count() from public, anon, authenticated, service_role;

comment on function private.keep_reaction_count() is 'Keeps reaction_count of social_feed_posts equal to the number of rows in social_feed_reactions.';

create or replace function private.reset_reaction_count()
returns trigger
language plpgsql
volatile security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    update public.social_feed_posts as p
    set reaction_count = 0
    where p.reaction_count <> 0;
    return null;
end
$function$;

revoke all on function private.reset_reaction_count() from public, anon, authenticated, service_role;

comment on function private.reset_reaction_count() is 'Sets reaction_count of social_feed_posts to 0 when social_feed_reactions is truncated.';

alter table public.social_feed_reactions enable row level security;

alter table public.social_feed_reactions no force row level security;

revoke all on table public.social_feed_reactions from public, anon, authenticated, service_role;

grant select, insert (id, user_id, post_id, reaction_type), delete on table public.social_feed_reactions to authenticated;

grant all on table public.social_feed_reactions to service_role;

drop policy if exists "readers of the post or the owner can read" on public.social_feed_reactions;

create policy "readers of the post or the owner can read" on public.social_feed_reactions
as permissive for select
to authenticated
using (
    user_id = (select auth.uid())
    or post_id = any (
        array(
            select parent.id
            from unnest(
                nullif(
                    current_setting('asked_for.public.social_feed_posts.id', true), ''
                )::uuid[]
            ) as lookup (id)
            join public.social_feed_posts as parent
                on parent.id = lookup.id
        )
    )
    or exists (
        select
        from jsonb_to_recordset('[{"is_made": true}]')
            as lookup (is_made boolean)
        join public.social_feed_posts as parent
            on parent.id = case
                when lookup.is_made then social_feed_reactions.post_id
            end
        offset 0
    )
);

comment on policy "readers of the post or the owner can read" on public.social_feed_reactions is null;

drop policy if exists "the owner can delete" on public.social_feed_reactions;

create policy "the owner can delete" on public.social_feed_reactions
as permissive for delete
to authenticated
using (
    user_id = (select auth.uid())
);

comment on policy "the owner can delete" on public.social_feed_reactions is null;

drop policy if exists "the service can do everything" on public.social_feed_reactions;

create policy "the service can do everything" on public.social_feed_reactions
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.social_feed_reactions is null;

create or replace trigger keep_reaction_count_on_insert after insert
on public.social_feed_reactions
referencing new table as added
for each statement
execute function private.keep_reaction_count();

comment on trigger keep_reaction_count_on_insert on public.social_feed_reactions is 'Maintains reaction_count of social_feed_posts.';

create or replace trigger keep_reaction_count_on_update after update
on public.social_feed_reactions
referencing old table as removed new table as added
for each statement
execute function private.keep_reaction_count();

comment on trigger keep_reaction_count_on_update on public.social_feed_reactions is 'Maintains reaction_count of social_feed_posts.';

create or replace trigger keep_reaction_count_on_delete after delete
on public.social_feed_reactions
referencing old table as removed
for each statement
execute function private.keep_reaction_count();

comment on trigger keep_reaction_count_on_delete on public.social_feed_reactions is 'Maintains reaction_count of social_feed_posts.';

create or replace trigger reset_reaction_count_on_truncate after truncate
on public.social_feed_reactions
for each statement
execute function private.reset_reaction_count();

comment on trigger reset_reaction_count_on_truncate on public.social_feed_reactions is 'Maintains reaction_count of social_feed_posts.';
