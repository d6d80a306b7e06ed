"""Tenants: the coaches and companies under whose brand the platform runs.

Anonymous callers have no access to the table. The branding of an active tenant is public through
two functions; those in schema ``public`` are public wrappers of the definer functions in
``private``. A domain is stored in one canonical form, and served once the service verified it.

The checks on values hold for the parts that there are, whichever program writes them.

A downgrade destroys every tenant with its brand.

Revision: townhall_0023
Revises: townhall_0022
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from townhall import pg
from townhall.migrate.safety import drop_table, lock_tables

revision = "townhall_0023"
down_revision = "townhall_0022"
branch_labels = None
depends_on = None

INVISIBLE = r"\u007f-\u00a0\u00ad\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff"
NO_FONT = rf"\u0001-\u001f!-+/:-@\[-\^`{{-~{INVISIBLE}"
NO_NAME = r'"(),:;<>@\[\\\]\u0001-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069'
LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
HOST = r"[0-9A-Z\[\]_a-z.:-]"
IN_URL = r"!$\u0025(-.0-9;=A-Z\[\]_a-z~"
REST = rf"[:/?#@&{IN_URL}]*"

WIDTH = "^[1-9][0-9]{0,4}$"
COLOR = "^#([0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$"
FONT = rf"^[^ {NO_FONT}][^{NO_FONT}]*$"
SENDER = rf"^([^={NO_NAME}]|=+[^=?{NO_NAME}])*=*$"
ADDRESS = (
    r"^[A-Za-z0-9_][A-Za-z0-9_+''-]*([.][A-Za-z0-9_+''-]+)*"
    rf"@({LABEL}[.])+[A-Za-z]([A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?$"
)
URL = (
    rf"^((([Hh][Tt][Tt][Pp][Ss]?:)?//{HOST}+|[@{IN_URL}]+)([/?#]{REST})?"
    rf"|/([:?#@&{IN_URL}]{REST})?|[?#]{REST})$"
)
DOMAIN = (
    "^((?!(?!xn)..--)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?[.])+"
    "(?!(?!xn)..--)[a-z]([a-z0-9-]{0,61}[a-z0-9])?$"
)

COLORS = (
    "primary",
    "primaryHover",
    "secondary",
    "background",
    "backgroundSubtle",
    "text",
    "textMuted",
    "border",
)


def upgrade() -> None:
    lock_tables("public.tenant_profiles", writes_only=["auth.users"])
    op.create_table(
        "tenant_profiles",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column(
            "user_id",
            sa.Uuid(),
            nullable=True,
            comment="The owner; null until the coach has an account, and once that is deleted.",
        ),
        sa.Column(
            "slug",
            sa.Text(),
            nullable=False,
            comment="The name in URLs: lower-case words joined by hyphens.",
        ),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column(
            "tenant_type",
            sa.Text(),
            server_default="coach",
            nullable=False,
            comment="The type of the tenant; written by the service.",
        ),
        sa.Column(
            "brand_config",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="The brand of its pages; an empty object until it is set.",
        ),
        sa.Column(
            "email_config",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="The settings of its e-mails; an empty object until they are set.",
        ),
        sa.Column(
            "enabled_assessments",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'::text[]"),
            nullable=False,
            comment="The assessments that its campaigns may use; written by the service.",
        ),
        sa.Column(
            "subscription_tier",
            sa.Text(),
            server_default="free",
            nullable=False,
            comment="The subscription; written by the service.",
        ),
        sa.Column(
            "is_active",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment=(
                "Whether its pages are served and its owner may write; written by the service."
            ),
        ),
        sa.Column(
            "custom_domain",
            sa.Text(),
            nullable=True,
            comment="The domain of its pages in canonical form; served once it is verified.",
        ),
        sa.Column(
            "custom_domain_verified_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When the service verified that the domain is the tenant's; null until then.",
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row was created.",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row last changed; maintained by a trigger.",
        ),
        sa.CheckConstraint(
            "octet_length(brand_config::text) <= 262144"
            " and not jsonb_path_exists(brand_config, 'strict $.**{32}"
            ' ? (@.type() == "object" || @.type() == "array")\')'
            " and not jsonb_path_exists(brand_config, 'strict $.**"
            " ? (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308)')",
            name=op.f("ck_tenant_profiles_brand_config_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(custom_domain) <= 253",
            name=op.f("ck_tenant_profiles_custom_domain_bounds"),
        ),
        sa.CheckConstraint(
            "extract(year from custom_domain_verified_at at time zone 'UTC') between 2 and 9998",
            name=op.f("ck_tenant_profiles_custom_domain_verified_at_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(display_name) <= 200"
            r" and display_name ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f"
            r"\u2028-\u202f\u205f-\u206f\u3000\ufeff]'",
            name=op.f("ck_tenant_profiles_display_name_bounds"),
        ),
        sa.CheckConstraint(
            "octet_length(email_config::text) <= 262144"
            " and not jsonb_path_exists(email_config, 'strict $.**{32}"
            ' ? (@.type() == "object" || @.type() == "array")\')'
            " and not jsonb_path_exists(email_config, 'strict $.**"
            " ? (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308)')",
            name=op.f("ck_tenant_profiles_email_config_bounds"),
        ),
        sa.CheckConstraint(
            "cardinality(enabled_assessments) <= 100"
            " and coalesce(array_ndims(enabled_assessments), 1) = 1"
            " and array_position(enabled_assessments, null) is null"
            " and not jsonb_path_exists(to_jsonb(enabled_assessments), '$[*]"
            ' ? (@ like_regex "^.{201}" flag "s")\')',
            name=op.f("ck_tenant_profiles_enabled_assessments_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(slug) <= 200"
            r" and slug ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f"
            r"\u2028-\u202f\u205f-\u206f\u3000\ufeff]'",
            name=op.f("ck_tenant_profiles_slug_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(subscription_tier) <= 200",
            name=op.f("ck_tenant_profiles_subscription_tier_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(tenant_type) <= 200", name=op.f("ck_tenant_profiles_tenant_type_bounds")
        ),
        sa.CheckConstraint(
            "jsonb_typeof(brand_config) = 'object'",
            name=op.f("ck_tenant_profiles_brand_config_is_object"),
        ),
        sa.CheckConstraint(
            "jsonb_typeof(email_config) = 'object'",
            name=op.f("ck_tenant_profiles_email_config_is_object"),
        ),
        sa.CheckConstraint(
            f"brand_config #>> '{{logo,url}}' ~ '{URL}'",
            name=op.f("ck_tenant_profiles_brand_config_logo_is_url"),
        ),
        sa.CheckConstraint(
            f"brand_config #>> '{{logo,width}}' ~ '{WIDTH}'",
            name=op.f("ck_tenant_profiles_brand_config_width_is_number"),
        ),
        sa.CheckConstraint(
            " and ".join(f"brand_config #>> '{{colors,{key}}}' ~ '{COLOR}'" for key in COLORS),
            name=op.f("ck_tenant_profiles_brand_config_colors_are_hex"),
        ),
        sa.CheckConstraint(
            f"brand_config #>> '{{fonts,heading}}' ~ '{FONT}'"
            f" and brand_config #>> '{{fonts,body}}' ~ '{FONT}'",
            name=op.f("ck_tenant_profiles_brand_config_fonts_are_names"),
        ),
        sa.CheckConstraint(
            f"email_config #>> '{{replyTo}}' ~ '{ADDRESS}'",
            name=op.f("ck_tenant_profiles_email_config_reply_to_is_address"),
        ),
        sa.CheckConstraint(
            f"email_config #>> '{{fromName}}' ~ '{SENDER}'",
            name=op.f("ck_tenant_profiles_email_config_from_name_is_plain"),
        ),
        sa.CheckConstraint(
            f"custom_domain ~ '{DOMAIN}'",
            name=op.f("ck_tenant_profiles_custom_domain_is_canonical"),
        ),
        sa.CheckConstraint(
            "custom_domain_verified_at is null or custom_domain is not null",
            name=op.f("ck_tenant_profiles_custom_domain_verified_at_has_domain"),
        ),
        sa.CheckConstraint(
            "slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name=op.f("ck_tenant_profiles_slug_is_hyphenated")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["auth.users.id"],
            name=op.f("fk_tenant_profiles_user_id_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant_profiles")),
        sa.UniqueConstraint("slug", name=op.f("uq_tenant_profiles_slug")),
        comment="A coach or company with its own brand on the platform.",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_tenant_profiles_user_id"),
        "tenant_profiles",
        ["user_id"],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        "uq_tenant_profiles_custom_domain",
        "tenant_profiles",
        ["custom_domain"],
        unique=True,
        postgresql_where=sa.text("custom_domain_verified_at is not null"),
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_tenant_profiles_custom_domain"),
        "tenant_profiles",
        ["custom_domain"],
        unique=False,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.TableAccess(
            table="tenant_profiles",
            grants={
                "authenticated": (
                    "select",
                    "update (display_name, brand_config, email_config, custom_domain)",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="tenant_profiles",
            name="the tenant's owner can read",
            command="select",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="tenant_profiles",
            name="the active tenant's owner can update",
            command="update",
            roles=("authenticated",),
            using="""
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
            """,
            check="""
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
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="tenant_profiles",
            name="the service can do everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="canonical_domain",
            arguments={"host": "text"},
            returns="text",
            body="""
                select case
                    when char_length(host) <= 260
                    then regexp_replace(lower(host collate "C"), '[.]?(:[0-9]*)?$', '')
                end
            """,
            volatility="immutable",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("service_role",),
            comment=(
                "The domain of a host in ASCII: in lower case, without a dot at its end and a port."
            ),
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="get_tenant_branding",
            arguments={
                "slug": "inout text",
                "display_name": "out text",
                "tenant_type": "out text",
                "brand_config": "out jsonb",
                "custom_domain": "out text",
            },
            returns="setof record",
            body="""
                select
                    t.slug,
                    t.display_name,
                    t.tenant_type,
                    t.brand_config,
                    case when t.custom_domain_verified_at is not null then t.custom_domain end
                from public.tenant_profiles as t
                where t.slug = get_tenant_branding.slug and t.is_active
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            rows=1,
            execute=("anon", "authenticated", "service_role"),
            comment="The public branding of the active tenant with this slug.",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="get_tenant_branding_by_domain",
            arguments={
                "domain": "text",
                "slug": "out text",
                "display_name": "out text",
                "tenant_type": "out text",
                "brand_config": "out jsonb",
                "custom_domain": "out text",
            },
            returns="setof record",
            body="""
                select t.slug, t.display_name, t.tenant_type, t.brand_config, t.custom_domain
                from public.tenant_profiles as t
                where t.custom_domain = private.canonical_domain(
                        get_tenant_branding_by_domain.domain
                    )
                    and t.custom_domain_verified_at is not null
                    and t.is_active
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            rows=1,
            execute=("anon", "authenticated", "service_role"),
            comment="The public branding of the active tenant whose verified domain this is.",
        )
    )
    pg.create_entity(
        pg.Function(
            name="get_tenant_branding",
            arguments={
                "slug": "inout text",
                "display_name": "out text",
                "tenant_type": "out text",
                "brand_config": "out jsonb",
                "custom_domain": "out text",
            },
            returns="setof record",
            body="select * from private.get_tenant_branding(slug)",
            volatility="stable",
            settings={"search_path": "pg_catalog, pg_temp"},
            rows=1,
            execute=("anon", "authenticated", "service_role"),
            comment="The public branding of the active tenant with this slug.",
        )
    )
    pg.create_entity(
        pg.Function(
            name="get_tenant_branding_by_domain",
            arguments={
                "domain": "text",
                "slug": "out text",
                "display_name": "out text",
                "tenant_type": "out text",
                "brand_config": "out jsonb",
                "custom_domain": "out text",
            },
            returns="setof record",
            body="select * from private.get_tenant_branding_by_domain(domain)",
            volatility="stable",
            settings={"search_path": "pg_catalog, pg_temp"},
            rows=1,
            execute=("anon", "authenticated", "service_role"),
            comment="The public branding of the active tenant whose verified domain this is.",
        )
    )
    pg.create_entity(
        pg.Function(
            name="verify_custom_domain",
            arguments={"tenant_id": "uuid", "domain": "text"},
            returns="void",
            language="plpgsql",
            body="""
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
            """,
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("service_role",),
            comment="Records that a tenant's domain was verified; another tenant's no longer is.",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="unverify_custom_domain",
            language="plpgsql",
            body="""
                begin
                    new.custom_domain_verified_at := null;
                    return new;
                end
            """,
            settings={"search_path": "pg_catalog, pg_temp"},
            comment="Makes a domain that has changed one that is not verified.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="tenant_profiles",
            name="unverify_custom_domain",
            timing="before",
            events=("update",),
            condition="""
                new.custom_domain is distinct from old.custom_domain
                and new.custom_domain_verified_at
                    is not distinct from old.custom_domain_verified_at
            """,
            function="private.unverify_custom_domain",
            comment="Makes a domain that has changed one that is not verified.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="tenant_profiles",
            name="update_tenant_profiles_updated_at",
            timing="before",
            events=("update",),
            function="private.update_updated_at_column",
            comment="Sets updated_at.",
        )
    )


def downgrade() -> None:
    lock_tables("public.tenant_profiles", "auth.users")
    drop_table("tenant_profiles")
    pg.drop_entity(pg.Function.named(schema="private", name="unverify_custom_domain"))
    pg.drop_entity(
        pg.Function.named(
            name="verify_custom_domain", arguments={"tenant_id": "uuid", "domain": "text"}
        )
    )
    pg.drop_entity(
        pg.Function.named(
            name="get_tenant_branding_by_domain",
            arguments={
                "domain": "text",
                "slug": "out text",
                "display_name": "out text",
                "tenant_type": "out text",
                "brand_config": "out jsonb",
                "custom_domain": "out text",
            },
        )
    )
    pg.drop_entity(
        pg.Function.named(
            name="get_tenant_branding",
            arguments={
                "slug": "inout text",
                "display_name": "out text",
                "tenant_type": "out text",
                "brand_config": "out jsonb",
                "custom_domain": "out text",
            },
        )
    )
    pg.drop_entity(
        pg.Function.named(
            schema="private",
            name="get_tenant_branding_by_domain",
            arguments={
                "domain": "text",
                "slug": "out text",
                "display_name": "out text",
                "tenant_type": "out text",
                "brand_config": "out jsonb",
                "custom_domain": "out text",
            },
        )
    )
    pg.drop_entity(
        pg.Function.named(
            schema="private",
            name="get_tenant_branding",
            arguments={
                "slug": "inout text",
                "display_name": "out text",
                "tenant_type": "out text",
                "brand_config": "out jsonb",
                "custom_domain": "out text",
            },
        )
    )
    pg.drop_entity(
        pg.Function.named(schema="private", name="canonical_domain", arguments={"host": "text"})
    )
