DROP TABLE IF EXISTS tenant_profiles;

drop function if exists private.unverify_custom_domain();

drop function if exists public.verify_custom_domain(uuid, text);

drop function if exists public.get_tenant_branding_by_domain(text);

drop function if exists public.get_tenant_branding(text);

drop function if exists private.get_tenant_branding_by_domain(text);

drop function if exists private.get_tenant_branding(text);

drop function if exists private.canonical_domain(text);
