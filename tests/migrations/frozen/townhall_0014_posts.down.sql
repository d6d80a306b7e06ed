do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'social_feed_posts');
    else
        drop table if exists public.social_feed_posts;
    end if;
end
$do$;

drop function if exists private.start_post_counters();
