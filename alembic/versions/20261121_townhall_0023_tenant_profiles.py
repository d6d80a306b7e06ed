"""Tenants: the coaches and companies under whose brand the platform runs.

Anonymous callers have no access to the table. The branding of an active tenant is public through
two functions; those in schema ``public`` are public wrappers of the definer functions in
``private``.

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

revision = "townhall_0023"
down_revision = "townhall_0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
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
        sa.Column("tenant_type", sa.Text(), server_default="coach", nullable=False),
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
            comment="The assessments that its campaigns may use.",
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
            comment="Whether its pages are served; written by the service.",
        ),
        sa.Column(
            "custom_domain",
            sa.Text(),
            nullable=True,
            comment="The domain of its pages; unique without regard to case.",
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
            "char_length(custom_domain) <= 2000",
            name=op.f("ck_tenant_profiles_custom_domain_bounds"),
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
        [sa.literal_column("lower(custom_domain)")],
        unique=True,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.TableAccess(
            table="tenant_profiles",
            grants={
                "authenticated": (
                    "select",
                    (
                        "update (display_name, tenant_type, brand_config, "
                        "email_config, enabled_assessments, custom_domain)"
                    ),
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
            name="the tenant's owner can update",
            command="update",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
            check="user_id = (select auth.uid())",
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
                select t.slug, t.display_name, t.tenant_type, t.brand_config, t.custom_domain
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
                where lower(t.custom_domain) = lower(get_tenant_branding_by_domain.domain)
                    and t.is_active
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            rows=1,
            execute=("anon", "authenticated", "service_role"),
            comment="The public branding of the active tenant with this domain.",
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
            comment="The public branding of the active tenant with this domain.",
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
    op.drop_table("tenant_profiles", if_exists=True)
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
