do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'tenant_profiles');
    else
        drop table if exists public.tenant_profiles;
    end if;
end
$do$;

drop function if exists private.unverify_custom_domain();

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_routine('public.verify_custom_domain(uuid, text)', 'drop function if exists public.verify_custom_domain(uuid, text)');
    else
        drop function if exists public.verify_custom_domain(uuid, text);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_routine('public.get_tenant_branding_by_domain(text)', 'drop function if exists public.get_tenant_branding_by_domain(text)');
    else
        drop function if exists public.get_tenant_branding_by_domain(text);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_routine('public.get_tenant_branding(text)', 'drop function if exists public.get_tenant_branding(text)');
    else
        drop function if exists public.get_tenant_branding(text);
    end if;
end
$do$;

drop function if exists private.get_tenant_branding_by_domain(text);

drop function if exists private.get_tenant_branding(text);

drop function if exists private.canonical_domain(text);
