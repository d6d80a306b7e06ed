do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'expert_listings');
    else
        drop table if exists public.expert_listings;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'community_profiles');
    else
        drop table if exists public.community_profiles;
    end if;
end
$do$;
