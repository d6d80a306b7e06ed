do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'social_feed_reactions');
    else
        drop table if exists public.social_feed_reactions;
    end if;
end
$do$;

drop function if exists private.reset_reaction_count();

drop function if exists private.keep_reaction_count();
