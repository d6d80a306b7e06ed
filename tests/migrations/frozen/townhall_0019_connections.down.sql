drop policy if exists "the sender to another unless blocked can insert" on public.founder_messages;

drop policy if exists "the author can update" on public.social_feed_comments;

drop policy if exists "the author who can read the post unless blocked can insert" on public.social_feed_comments;

drop policy if exists "the owner who can read the post unless blocked can insert" on public.social_feed_reactions;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'founder_connections');
    else
        drop table if exists public.founder_connections;
    end if;
end
$do$;

drop function if exists private.keep_connection();

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_routine('public.unblock_founder(uuid)', 'drop function if exists public.unblock_founder(uuid)');
    else
        drop function if exists public.unblock_founder(uuid);
    end if;
end
$do$;

drop function if exists private.unblock_founder(uuid);

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_routine('public.block_founder(uuid)', 'drop function if exists public.block_founder(uuid)');
    else
        drop function if exists public.block_founder(uuid);
    end if;
end
$do$;

drop function if exists private.block_founder(uuid);

drop function if exists private.is_post_of_blocked(uuid);

drop function if exists private.is_comment_of_blocked(uuid);

drop function if exists private.my_blocked_user_ids();
