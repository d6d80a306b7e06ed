do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'social_feed_comments');
    else
        drop table if exists public.social_feed_comments;
    end if;
end
$do$;

drop function if exists private.move_answers();

drop function if exists private.set_comment_depth();

drop function if exists private.reset_comment_count();

drop function if exists private.keep_comment_count();
