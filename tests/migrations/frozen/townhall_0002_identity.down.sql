do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'organization_members');
    else
        drop table if exists public.organization_members;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'organizations');
    else
        drop table if exists public.organizations;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'profiles');
    else
        drop table if exists public.profiles;
    end if;
end
$do$;

drop function if exists private.keep_owner_of_organization();

drop function if exists private.hold_owned_organizations();

drop function if exists private.my_owned_organization_ids();

drop function if exists private.my_managed_organization_ids();

drop function if exists private.my_organization_ids();
