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
                where c.oid = to_regclass('public.social_feed_posts')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.social_feed_posts in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.milestones')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.milestones in share row exclusive mode;
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

CREATE TABLE IF NOT EXISTS social_feed_posts (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    author_id UUID NOT NULL,
    post_type TEXT DEFAULT 'milestone' NOT NULL,
    title TEXT DEFAULT '' NOT NULL,
    content TEXT NOT NULL,
    milestone_id TEXT,
    metadata JSONB DEFAULT '{}'::jsonb NOT NULL,
    reaction_count INTEGER DEFAULT 0 NOT NULL,
    comment_count INTEGER DEFAULT 0 NOT NULL,
    view_count INTEGER DEFAULT 0 NOT NULL,
    is_public BOOLEAN DEFAULT true NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_social_feed_posts PRIMARY KEY (id),
    CONSTRAINT ck_social_feed_posts_content_bounds CHECK (char_length(content) <= 20000),
    CONSTRAINT ck_social_feed_posts_metadata_bounds CHECK (octet_length(metadata::text) <= 262144 and not jsonb_path_exists(metadata, 'strict $.**{32} ? (@.type() == "object" || @.type() == "array")') and not jsonb_path_exists(metadata, 'strict $.** ? (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308)')),
    CONSTRAINT ck_social_feed_posts_title_bounds CHECK (char_length(title) <= 200),
    CONSTRAINT ck_social_feed_posts_metadata_is_object CHECK (jsonb_typeof(metadata) = 'object'),
    CONSTRAINT ck_social_feed_posts_post_type_known CHECK (post_type in ('milestone', 'achievement', 'update', 'shoutout')),
    CONSTRAINT ck_social_feed_posts_comment_count_not_negative CHECK (comment_count >= 0),
    CONSTRAINT ck_social_feed_posts_reaction_count_not_negative CHECK (reaction_count >= 0),
    CONSTRAINT ck_social_feed_posts_view_count_not_negative CHECK (view_count >= 0),
    CONSTRAINT fk_social_feed_posts_author_id_users FOREIGN KEY(author_id) REFERENCES auth.users (id) ON DELETE CASCADE,
    CONSTRAINT fk_social_feed_posts_milestone_id_milestones FOREIGN KEY(milestone_id) REFERENCES milestones (id) ON DELETE SET NULL
);

COMMENT ON TABLE social_feed_posts IS 'Posts of founders; only the author can read a private post.';

COMMENT ON COLUMN social_feed_posts.milestone_id IS 'The milestone that it is about; text, like the key of milestones.';

COMMENT ON COLUMN social_feed_posts.reaction_count IS 'The number of reactions; maintained by triggers.';

COMMENT ON COLUMN social_feed_posts.comment_count IS 'The number of comments; maintained by triggers.';

COMMENT ON COLUMN social_feed_posts.view_count IS 'The number of views; written by the service.';

COMMENT ON COLUMN social_feed_posts.is_public IS 'Whether signed-in users can read it; otherwise only its author can.';

COMMENT ON COLUMN social_feed_posts.created_at IS 'When the row was created.';

COMMENT ON COLUMN social_feed_posts.updated_at IS 'When the row last changed; maintained by a trigger.';

alter table public.social_feed_posts set (fillfactor = 85);

CREATE INDEX IF NOT EXISTS ix_social_feed_posts_author_id_created_at ON social_feed_posts (author_id, created_at DESC, id DESC);

CREATE INDEX IF NOT EXISTS ix_social_feed_posts_created_at ON social_feed_posts (created_at DESC, id DESC) WHERE is_public;

CREATE INDEX IF NOT EXISTS ix_social_feed_posts_created_at_id ON social_feed_posts (created_at DESC, id DESC);

CREATE INDEX IF NOT EXISTS ix_social_feed_posts_milestone_id ON social_feed_posts (milestone_id);

create or replace function private.start_post_counters()
returns trigger
language plpgsql
volatile security invoker parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    new.reaction_count := 0;
    new.comment_count := 0;
    return new;
end
$function$;

revoke all on function private.start_post_counters() from public, anon, authenticated, service_role;

comment on function private.start_post_counters() is 'Sets the counters of a new post to 0, whatever the insert gives.';

alter table public.social_feed_posts enable row level security;

alter table public.social_feed_posts no force row level security;

revoke all on table public.social_feed_posts from public, anon, authenticated, service_role;

grant select, insert (id, author_id, post_type, title, content, milestone_id, metadata, is_public), update (post_type, title, content, milestone_id, metadata, is_public), delete on table public.social_feed_posts to authenticated;

grant all on table public.social_feed_posts to service_role;

drop policy if exists "readers of public posts or the author can read" on public.social_feed_posts;

create policy "readers of public posts or the author can read" on public.social_feed_posts
as permissive for select
to authenticated
using (
    is_public
    or author_id = (select auth.uid())
);

comment on policy "readers of public posts or the author can read" on public.social_feed_posts is null;

drop policy if exists "the author with an account and their own milestones can insert" on public.social_feed_posts;

create policy "the author with an account and their own milestones can insert" on public.social_feed_posts
as permissive for insert
to authenticated
with check (
    (
        (author_id = (select auth.uid()))
        and (
            (
                select
                    nullif(current_setting('request.jwt.claims', true), '')::jsonb
                    ->> 'is_anonymous'
            ) is distinct from 'true'
        )
    )
    and (
        milestone_id is null
        or exists (
            select
            from public.milestones as parent
            where parent.id = social_feed_posts.milestone_id
            offset 0
        )
    )
);

comment on policy "the author with an account and their own milestones can insert" on public.social_feed_posts is null;

drop policy if exists "the author with an account can update" on public.social_feed_posts;

create policy "the author with an account can update" on public.social_feed_posts
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
            (
                select
                    nullif(current_setting('request.jwt.claims', true), '')::jsonb
                    ->> 'is_anonymous'
            ) is distinct from 'true'
        )
    )
    and (
        milestone_id is null
        or exists (
            select
            from public.milestones as parent
            where parent.id = social_feed_posts.milestone_id
            offset 0
        )
    )
);

comment on policy "the author with an account can update" on public.social_feed_posts is null;

drop policy if exists "the author can delete" on public.social_feed_posts;

create policy "the author can delete" on public.social_feed_posts
as permissive for delete
to authenticated
using (
    author_id = (select auth.uid())
);

comment on policy "the author can delete" on public.social_feed_posts is null;

drop policy if exists "the service can do everything" on public.social_feed_posts;

create policy "the service can do everything" on public.social_feed_posts
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.social_feed_posts is null;

create or replace trigger update_social_feed_posts_updated_at before update of author_id, post_type, title, content, milestone_id, metadata, is_public
on public.social_feed_posts
for each row
execute function private.update_updated_at_column();

comment on trigger update_social_feed_posts_updated_at on public.social_feed_posts is 'Sets updated_at.';

create or replace trigger start_post_counters before insert
on public.social_feed_posts
for each row
when ((new.reaction_count, new.comment_count) is distinct from (0, 0))
execute function private.start_post_counters();

comment on trigger start_post_counters on public.social_feed_posts is 'A new post has no reactions and no comments.';

alter table public.social_feed_posts replica identity full;
