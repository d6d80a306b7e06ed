do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'community_members');
    else
        drop table if exists public.community_members;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'communities');
    else
        drop table if exists public.communities;
    end if;
end
$do$;

drop function if exists private.keep_owner_of_community();

drop function if exists private.hold_owned_communities();

drop function if exists private.add_creator_as_owner();

drop function if exists private.can_join_community(uuid);

drop function if exists private.my_owned_community_ids();

drop function if exists private.my_moderated_community_ids();

drop function if exists private.my_community_ids();
