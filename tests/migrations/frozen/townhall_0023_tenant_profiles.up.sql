do $do$
declare
    allowed constant int := (
        select s.setting from pg_catalog.pg_settings as s where s.name = 'lock_timeout'
    );
    previous constant text := current_setting('lock_timeout');
    began constant timestamptz := clock_timestamp();
begin
    loop
        begin
            perform set_config(
                'lock_timeout', least(nullif(allowed, 0), 300)::text, true
            );
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.tenant_profiles')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.tenant_profiles in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('auth.users')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table auth.users in share row exclusive mode;
            end if;
            perform set_config('lock_timeout', previous, true);
            exit;
        exception
            when lock_not_available or deadlock_detected then
                if extract(epoch from clock_timestamp() - began) * 1000 > nullif(allowed, 0) then
                    raise;
                end if;
        end;
        perform pg_sleep(0.1);
    end loop;
end
$do$;

CREATE TABLE IF NOT EXISTS tenant_profiles (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    user_id UUID,
    slug TEXT NOT NULL,
    display_name TEXT NOT NULL,
    tenant_type TEXT DEFAULT 'coach' NOT NULL,
    brand_config JSONB DEFAULT '{}'::jsonb NOT NULL,
    email_config JSONB DEFAULT '{}'::jsonb NOT NULL,
    enabled_assessments TEXT[] DEFAULT '{}'::text[] NOT NULL,
    subscription_tier TEXT DEFAULT 'free' NOT NULL,
    is_active BOOLEAN DEFAULT true NOT NULL,
    custom_domain TEXT,
    custom_domain_verified_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_tenant_profiles PRIMARY KEY (id),
    CONSTRAINT ck_tenant_profiles_brand_config_bounds CHECK (octet_length(brand_config::text) <= 262144 and not jsonb_path_exists(brand_config, 'strict $.**{32} ? (@.type() == "object" || @.type() == "array")') and not jsonb_path_exists(brand_config, 'strict $.** ? (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308)')),
    CONSTRAINT ck_tenant_profiles_custom_domain_bounds CHECK (char_length(custom_domain) <= 253),
    CONSTRAINT ck_tenant_profiles_custom_domain_verified_at_bounds CHECK (extract(year from custom_domain_verified_at at time zone 'UTC') between 2 and 9998),
    CONSTRAINT ck_tenant_profiles_display_name_bounds CHECK (char_length(display_name) <= 200 and display_name ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'),
    CONSTRAINT ck_tenant_profiles_email_config_bounds CHECK (octet_length(email_config::text) <= 262144 and not jsonb_path_exists(email_config, 'strict $.**{32} ? (@.type() == "object" || @.type() == "array")') and not jsonb_path_exists(email_config, 'strict $.** ? (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308)')),
    CONSTRAINT ck_tenant_profiles_enabled_assessments_bounds CHECK (cardinality(enabled_assessments) <= 100 and coalesce(array_ndims(enabled_assessments), 1) = 1 and array_position(enabled_assessments, null) is null and not jsonb_path_exists(to_jsonb(enabled_assessments), '$[*] ? (@ like_regex "^.{201}" flag "s")')),
    CONSTRAINT ck_tenant_profiles_slug_bounds CHECK (char_length(slug) <= 200 and slug ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'),
    CONSTRAINT ck_tenant_profiles_subscription_tier_bounds CHECK (char_length(subscription_tier) <= 200),
    CONSTRAINT ck_tenant_profiles_tenant_type_bounds CHECK (char_length(tenant_type) <= 200),
    CONSTRAINT ck_tenant_profiles_brand_config_is_object CHECK (jsonb_typeof(brand_config) = 'object'),
    CONSTRAINT ck_tenant_profiles_email_config_is_object CHECK (jsonb_typeof(email_config) = 'object'),
    CONSTRAINT ck_tenant_profiles_brand_config_logo_is_url CHECK (brand_config #>> '{logo,url}' ~ '^((([Hh][Tt][Tt][Pp][Ss]?:)?//[0-9A-Z\[\]_a-z.:-]+|[@!$\u0025(-.0-9;=A-Z\[\]_a-z~]+)([/?#][:/?#@&!$\u0025(-.0-9;=A-Z\[\]_a-z~]*)?|/([:?#@&!$\u0025(-.0-9;=A-Z\[\]_a-z~][:/?#@&!$\u0025(-.0-9;=A-Z\[\]_a-z~]*)?|[?#][:/?#@&!$\u0025(-.0-9;=A-Z\[\]_a-z~]*)$'),
    CONSTRAINT ck_tenant_profiles_brand_config_width_is_number CHECK (brand_config #>> '{logo,width}' ~ '^[1-9][0-9]{0,4}$'),
    CONSTRAINT ck_tenant_profiles_brand_config_colors_are_hex CHECK (brand_config #>> '{colors,primary}' ~ '^#([0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$' and brand_config #>> '{colors,primaryHover}' ~ '^#([0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$' and brand_config #>> '{colors,secondary}' ~ '^#([0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$' and brand_config #>> '{colors,background}' ~ '^#([0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$' and brand_config #>> '{colors,backgroundSubtle}' ~ '^#([0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$' and brand_config #>> '{colors,text}' ~ '^#([0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$' and brand_config #>> '{colors,textMuted}' ~ '^#([0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$' and brand_config #>> '{colors,border}' ~ '^#([0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$'),
    CONSTRAINT ck_tenant_profiles_brand_config_fonts_are_names CHECK (brand_config #>> '{fonts,heading}' ~ '^[^ \u0001-\u001f!-+/:-@\[-\^`{-~\u007f-\u00a0\u00ad\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff][^\u0001-\u001f!-+/:-@\[-\^`{-~\u007f-\u00a0\u00ad\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]*$' and brand_config #>> '{fonts,body}' ~ '^[^ \u0001-\u001f!-+/:-@\[-\^`{-~\u007f-\u00a0\u00ad\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff][^\u0001-\u001f!-+/:-@\[-\^`{-~\u007f-\u00a0\u00ad\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]*$'),
    CONSTRAINT ck_tenant_profiles_email_config_reply_to_is_address CHECK (email_config #>> '{replyTo}' ~ '^[A-Za-z0-9_][A-Za-z0-9_+''-]*([.][A-Za-z0-9_+''-]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?[.])+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$'),
    CONSTRAINT ck_tenant_profiles_email_config_from_name_is_plain CHECK (email_config #>> '{fromName}' ~ '^([^="(),:;<>@\[\\\]\u0001-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]|=+[^=?"(),:;<>@\[\\\]\u0001-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069])*=*$'),
    CONSTRAINT ck_tenant_profiles_custom_domain_is_canonical CHECK (custom_domain ~ '^((?!(?!xn)..--)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?[.])+(?!(?!xn)..--)[a-z]([a-z0-9-]{0,61}[a-z0-9])?$'),
    CONSTRAINT ck_tenant_profiles_custom_domain_verified_at_has_domain CHECK (custom_domain_verified_at is null or custom_domain is not null),
    CONSTRAINT ck_tenant_profiles_slug_is_hyphenated CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    CONSTRAINT fk_tenant_profiles_user_id_users FOREIGN KEY(user_id) REFERENCES auth.users (id) ON DELETE SET NULL,
    CONSTRAINT uq_tenant_profiles_slug UNIQUE (slug)
);

COMMENT ON TABLE tenant_profiles IS 'A coach or company with its own brand on the platform.';

COMMENT ON COLUMN tenant_profiles.user_id IS 'The owner; null until the coach has an account, and once that is deleted.';

COMMENT ON COLUMN tenant_profiles.slug IS 'The name in URLs: lower-case words joined by hyphens.';

COMMENT ON COLUMN tenant_profiles.tenant_type IS 'The type of the tenant; written by the service.';

COMMENT ON COLUMN tenant_profiles.brand_config IS 'The brand of its pages; an empty object until it is set.';

COMMENT ON COLUMN tenant_profiles.email_config IS 'The settings of its e-mails; an empty object until they are set.';

COMMENT ON COLUMN tenant_profiles.enabled_assessments IS 'The assessments that its campaigns may use; written by the service.';

COMMENT ON COLUMN tenant_profiles.subscription_tier IS 'The subscription; written by the service.';

COMMENT ON COLUMN tenant_profiles.is_active IS 'Whether its pages are served and its owner may write; written by the service.';

COMMENT ON COLUMN tenant_profiles.custom_domain IS 'The domain of its pages in canonical form; served once it is verified.';

COMMENT ON COLUMN tenant_profiles.custom_domain_verified_at IS 'When the service verified that the domain is the tenant''s; null until then.';

COMMENT ON COLUMN tenant_profiles.created_at IS 'When the row was created.';

COMMENT ON COLUMN tenant_profiles.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE INDEX IF NOT EXISTS ix_tenant_profiles_user_id ON tenant_profiles (user_id);

CREATE UNIQUE INDEX IF NOT EXISTS uq_tenant_profiles_custom_domain ON tenant_profiles (custom_domain) WHERE custom_domain_verified_at is not null;

CREATE INDEX IF NOT EXISTS ix_tenant_profiles_custom_domain ON tenant_profiles (custom_domain);

alter table public.tenant_profiles enable row level security;

alter table public.tenant_profiles no force row level security;

revoke all on table public.tenant_profiles from public, anon, authenticated, service_role;

grant select, update (display_name, brand_config, email_config, custom_domain) on table public.tenant_profiles to authenticated;

grant all on table public.tenant_profiles to service_role;

drop policy if exists "the tenant's owner can read" on public.tenant_profiles;

create policy "the tenant's owner can read" on public.tenant_profiles
as permissive for select
to authenticated
using (
    user_id = (select auth.uid())
);

comment on policy "the tenant's owner can read" on public.tenant_profiles is null;

drop policy if exists "the active tenant's owner can update" on public.tenant_profiles;

create policy "the active tenant's owner can update" on public.tenant_profiles
as permissive for update
to authenticated
using (
    (
        (user_id = (select auth.uid()))
        and (is_active)
    )
    and (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    )
)
with check (
    (
        (user_id = (select auth.uid()))
        and (is_active)
    )
    and (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    )
);

comment on policy "the active tenant's owner can update" on public.tenant_profiles is null;

drop policy if exists "the service can do everything" on public.tenant_profiles;

create policy "the service can do everything" on public.tenant_profiles
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.tenant_profiles is null;

create or replace function private.canonical_domain(host text)
returns text
language sql
immutable security invoker parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
select case
    when char_length(host) <= 260
    then regexp_replace(lower(host collate "C"), '[.]?(:[0-9]*)?$', '')
end
$function$;

revoke all on function private.canonical_domain(text) from public, anon, authenticated, service_role;

grant execute on function private.canonical_domain(text) to service_role;

comment on function private.canonical_domain(text) is 'The domain of a host in ASCII: in lower case, without a dot at its end and a port.';

create or replace function private.get_tenant_branding(inout slug text, out display_name text, out tenant_type text, out brand_config jsonb, out custom_domain text)
returns setof record
language sql
stable security definer parallel unsafe rows 1
set search_path = 'pg_catalog', 'pg_temp'
as $function$
select
    t.slug,
    t.display_name,
    t.tenant_type,
    t.brand_config,
    case when t.custom_domain_verified_at is not null then t.custom_domain end
from public.tenant_profiles as t
where t.slug = get_tenant_branding.slug and t.is_active
$function$;

revoke all on function private.get_tenant_branding(text) from public, anon, authenticated, service_role;

grant execute on function private.get_tenant_branding(text) to anon;

grant execute on function private.get_tenant_branding(text) to authenticated;

grant execute on function private.get_tenant_branding(text) to service_role;

comment on function private.get_tenant_branding(text) is 'The public branding of the active tenant with this slug.';

create or replace function private.get_tenant_branding_by_domain(domain text, out slug text, out display_name text, out tenant_type text, out brand_config jsonb, out custom_domain text)
returns setof record
language sql
stable security definer parallel unsafe rows 1
set search_path = 'pg_catalog', 'pg_temp'
as $function$
select t.slug, t.display_name, t.tenant_type, t.brand_config, t.custom_domain
from public.tenant_profiles as t
where t.custom_domain = private.canonical_domain(
        get_tenant_branding_by_domain.domain
    )
    and t.custom_domain_verified_at is not null
    and t.is_active
$function$;

revoke all on function private.get_tenant_branding_by_domain(text) from public, anon, authenticated, service_role;

grant execute on function private.get_tenant_branding_by_domain(text) to anon;

grant execute on function private.get_tenant_branding_by_domain(text) to authenticated;

grant execute on function private.get_tenant_branding_by_domain(text) to service_role;

comment on function private.get_tenant_branding_by_domain(text) is 'The public branding of the active tenant whose verified domain this is.';

create or replace function public.get_tenant_branding(inout slug text, out display_name text, out tenant_type text, out brand_config jsonb, out custom_domain text)
returns setof record
language sql
stable security invoker parallel unsafe rows 1
set search_path = 'pg_catalog', 'pg_temp'
as $function$
select * from private.get_tenant_branding(slug)
$function$;

revoke all on function public.get_tenant_branding(text) from public, anon, authenticated, service_role;

grant execute on function public.get_tenant_branding(text) to anon;

grant execute on function public.get_tenant_branding(text) to authenticated;

grant execute on function public.get_tenant_branding(text) to service_role;

comment on function public.get_tenant_branding(text) is 'The public branding of the active tenant with this slug.';

create or replace function public.get_tenant_branding_by_domain(domain text, out slug text, out display_name text, out tenant_type text, out brand_config jsonb, out custom_domain text)
returns setof record
language sql
stable security invoker parallel unsafe rows 1
set search_path = 'pg_catalog', 'pg_temp'
as $function$
select * from private.get_tenant_branding_by_domain(domain)
$function$;

revoke all on function public.get_tenant_branding_by_domain(text) from public, anon, authenticated, service_role;

grant execute on function public.get_tenant_branding_by_domain(text) to anon;

grant execute on function public.get_tenant_branding_by_domain(text) to authenticated;

grant execute on function public.get_tenant_branding_by_domain(text) to service_role;

comment on function public.get_tenant_branding_by_domain(text) is 'The public branding of the active tenant whose verified domain this is.';

create or replace function public.verify_custom_domain(tenant_id uuid, domain text)
returns void
language plpgsql
volatile security invoker parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
declare
    verified constant text := private.canonical_domain(verify_custom_domain.domain);
begin
    perform
    from public.tenant_profiles as t
    where t.custom_domain = verified
    order by t.id
    for no key update;
    update public.tenant_profiles as t
    set custom_domain_verified_at = null
    where t.custom_domain = verified
        and t.custom_domain_verified_at is not null
        and t.id <> verify_custom_domain.tenant_id;
    update public.tenant_profiles as t
    set custom_domain_verified_at = now()
    where t.custom_domain = verified
        and t.id = verify_custom_domain.tenant_id;
    if not found then
        raise exception 'tenant % does not have the domain %', tenant_id, domain
            using errcode = 'check_violation',
            hint = 'Verify the domain that is its custom_domain.',
            schema = 'public',
            table = 'tenant_profiles',
            column = 'custom_domain',
            constraint = 'tenant_has_domain';
    end if;
end
$function$;

revoke all on function public.verify_custom_domain(uuid, text) from public, anon, authenticated, service_role;

grant execute on function public.verify_custom_domain(uuid, text) to service_role;

comment on function public.verify_custom_domain(uuid, text) is 'Records that a tenant''s domain was verified; another tenant''s no longer is.';

create or replace function private.unverify_custom_domain()
returns trigger
language plpgsql
volatile security invoker parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    new.custom_domain_verified_at := null;
    return new;
end
$function$;

revoke all on function private.unverify_custom_domain() from public, anon, authenticated, service_role;

comment on function private.unverify_custom_domain() is 'Makes a domain that has changed one that is not verified.';

create or replace trigger unverify_custom_domain before update
on public.tenant_profiles
for each row
when (
    new.custom_domain is distinct from old.custom_domain
    and new.custom_domain_verified_at
        is not distinct from old.custom_domain_verified_at
)
execute function private.unverify_custom_domain();

comment on trigger unverify_custom_domain on public.tenant_profiles is 'Makes a domain that has changed one that is not verified.';

create or replace trigger update_tenant_profiles_updated_at before update
on public.tenant_profiles
for each row
execute function private.update_updated_at_column();

comment on trigger update_tenant_profiles_updated_at on public.tenant_profiles is 'Sets updated_at.';
