do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop('public', 'communities', array['index'], 'idx_communities_parent', 'drop index if exists public.idx_communities_parent');
    else
        drop index if exists public.idx_communities_parent;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop('public', 'communities', array['constraint', 'foreign key'], 'ck_communities_tier_required_known', 'alter table if exists public.communities drop constraint if exists ck_communities_tier_required_known');
    else
        alter table if exists public.communities drop constraint if exists ck_communities_tier_required_known;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop('public', 'communities', array['constraint', 'foreign key'], 'ck_communities_parent_is_another', 'alter table if exists public.communities drop constraint if exists ck_communities_parent_is_another');
    else
        alter table if exists public.communities drop constraint if exists ck_communities_parent_is_another;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop('public', 'communities', array['constraint', 'foreign key'], 'fk_communities_parent_community_id_communities', 'alter table if exists public.communities drop constraint if exists fk_communities_parent_community_id_communities');
    else
        alter table if exists public.communities drop constraint if exists fk_communities_parent_community_id_communities;
    end if;
end
$do$;
