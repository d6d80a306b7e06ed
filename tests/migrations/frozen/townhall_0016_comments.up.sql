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

CREATE TABLE IF NOT EXISTS social_feed_comments (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    author_id UUID NOT NULL,
    post_id UUID NOT NULL,
    content TEXT NOT NULL,
    parent_comment_id UUID,
    depth SMALLINT DEFAULT 0 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_social_feed_comments PRIMARY KEY (id),
    CONSTRAINT ck_social_feed_comments_content_bounds CHECK (char_length(content) <= 20000),
    CONSTRAINT ck_social_feed_comments_depth_bounded CHECK (depth between 0 and 20),
    CONSTRAINT fk_social_feed_comments_author_id_users FOREIGN KEY(author_id) REFERENCES auth.users (id) ON DELETE CASCADE,
    CONSTRAINT fk_social_feed_comments_parent_comment FOREIGN KEY(post_id, parent_comment_id) REFERENCES social_feed_comments (post_id, id) ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT fk_social_feed_comments_post_id_social_feed_posts FOREIGN KEY(post_id) REFERENCES social_feed_posts (id) ON DELETE CASCADE,
    CONSTRAINT uq_social_feed_comments_post_id_id UNIQUE (post_id, id)
);

COMMENT ON TABLE social_feed_comments IS 'Comments on a post, or on another comment of it.';

COMMENT ON COLUMN social_feed_comments.parent_comment_id IS 'The comment it answers, on the same post; moved and deleted with that.';

COMMENT ON COLUMN social_feed_comments.depth IS 'The number of comments above it; maintained by a trigger.';

COMMENT ON COLUMN social_feed_comments.created_at IS 'When the row was created.';

COMMENT ON COLUMN social_feed_comments.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE INDEX IF NOT EXISTS ix_social_feed_comments_author_id ON social_feed_comments (author_id);

CREATE INDEX IF NOT EXISTS ix_social_feed_comments_parent_comment_id ON social_feed_comments (parent_comment_id);

CREATE INDEX IF NOT EXISTS ix_social_feed_comments_post_id_created_at ON social_feed_comments (post_id, created_at DESC);

create or replace function private.keep_comment_count()
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
        set comment_count = greatest(
            p.comment_count + case tg_op when 'INSERT' then 1 else -1 end, 0
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
    set comment_count = greatest(p.comment_count + c.change, 0)
    from unnest(posts, changes) as c (post_id, change)
    where p.id = c.post_id;
    return null;
end
$function$;

revoke all on function private.keep_comment_count() from public, anon, authenticated, service_role;

comment on function private.keep_comment_count() is 'Keeps comment_count of social_feed_posts equal to the number of rows in social_feed_comments.';

create or replace function private.reset_comment_count()
returns trigger
language plpgsql
volatile security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    update public.social_feed_posts as p
    set comment_count = 0
    where p.comment_count <> 0;
    return null;
end
$function$;

revoke all on function private.reset_comment_count() from public, anon, authenticated, service_role;

comment on function private.reset_comment_count() is 'Sets comment_count of social_feed_posts to 0 when social_feed_comments is truncated.';

create or replace function private.set_comment_depth()
returns trigger
language plpgsql
volatile security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    new.depth := 0;
    if new.parent_comment_id is not null then
        select c.depth + 1
        into new.depth
        from public.social_feed_comments as c
        where c.id = new.parent_comment_id;
        if not found then
            raise foreign_key_violation
            using
                message = 'The comment that is answered does not exist.',
                hint = 'Insert a comment before its answers.',
                schema = 'public',
                table = 'social_feed_comments',
                column = 'parent_comment_id',
                constraint = 'fk_social_feed_comments_parent_comment';
        end if;
    end if;
    return new;
end
$function$;

revoke all on function private.set_comment_depth() from public, anon, authenticated, service_role;

comment on function private.set_comment_depth() is 'Sets the depth of a comment from that of the comment it answers.';

create or replace function private.move_answers()
returns trigger
language plpgsql
volatile security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    update public.social_feed_comments as c
    set depth = new.depth + 1
    where c.parent_comment_id = new.id;
    return null;
end
$function$;

revoke all on function private.move_answers() from public, anon, authenticated, service_role;

comment on function private.move_answers() is 'Sets the depth of the answers to a comment whose depth changed.';

alter table public.social_feed_comments enable row level security;

alter table public.social_feed_comments no force row level security;

revoke all on table public.social_feed_comments from public, anon, authenticated, service_role;

grant select, insert (id, author_id, post_id, content, parent_comment_id), update (content), delete on table public.social_feed_comments to authenticated;

grant all on table public.social_feed_comments to service_role;

drop policy if exists "readers of the post or the author can read" on public.social_feed_comments;

create policy "readers of the post or the author can read" on public.social_feed_comments
as permissive for select
to authenticated
using (
    author_id = (select auth.uid())
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
                when lookup.is_made then social_feed_comments.post_id
            end
        offset 0
    )
);

comment on policy "readers of the post or the author can read" on public.social_feed_comments is null;

drop policy if exists "the author can delete" on public.social_feed_comments;

create policy "the author can delete" on public.social_feed_comments
as permissive for delete
to authenticated
using (
    author_id = (select auth.uid())
);

comment on policy "the author can delete" on public.social_feed_comments is null;

drop policy if exists "the service can do everything" on public.social_feed_comments;

create policy "the service can do everything" on public.social_feed_comments
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.social_feed_comments is null;

create or replace trigger update_social_feed_comments_updated_at before update
on public.social_feed_comments
for each row
execute function private.update_updated_at_column();

comment on trigger update_social_feed_comments_updated_at on public.social_feed_comments is 'Sets updated_at.';

create or replace trigger set_comment_depth before insert or update of parent_comment_id, depth
on public.social_feed_comments
for each row
when (new.parent_comment_id is not null or new.depth is distinct from 0)
execute function private.set_comment_depth();

comment on trigger set_comment_depth on public.social_feed_comments is 'Maintains depth.';

create or replace trigger move_answers after update
on public.social_feed_comments
for each row
when (new.depth is distinct from old.depth)
execute function private.move_answers();

comment on trigger move_answers on public.social_feed_comments is 'Maintains depth of the answers.';

create or replace trigger keep_comment_count_on_insert after insert
on public.social_feed_comments
referencing new table as added
for each statement
execute function private.keep_comment_count();

comment on trigger keep_comment_count_on_insert on public.social_feed_comments is 'Maintains comment_count of social_feed_posts.';

create or replace trigger keep_comment_count_on_update after update
on public.social_feed_comments
referencing old table as removed new table as added
for each statement
execute function private.keep_comment_count();

comment on trigger keep_comment_count_on_update on public.social_feed_comments is 'Maintains comment_count of social_feed_posts.';

create or replace trigger keep_comment_count_on_delete after delete
on public.social_feed_comments
referencing old table as removed
for each statement
execute function private.keep_comment_count();

comment on trigger keep_comment_count_on_delete on public.social_feed_comments is 'Maintains comment_count of social_feed_posts.';

create or replace trigger reset_comment_count_on_truncate after truncate
on public.social_feed_comments
for each statement
execute function private.reset_comment_count();

comment on trigger reset_comment_count_on_truncate on public.social_feed_comments is 'Maintains comment_count of social_feed_posts.';
