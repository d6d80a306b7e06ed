"""Profiles of founders within the community, and what they offer to help with.

A downgrade destroys every profile in the community and every listing of an expert.

Revision: townhall_0011
Revises: townhall_0010
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from townhall import pg
from townhall.migrate.safety import drop_table, lock_tables

revision = "townhall_0011"
down_revision = "townhall_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    lock_tables("public.community_profiles", "public.expert_listings", writes_only=["auth.users"])
    profiles()
    experts()


def profiles() -> None:
    op.create_table(
        "community_profiles",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("display_name", sa.Text(), server_default="", nullable=False),
        sa.Column("bio", sa.Text(), server_default="", nullable=False),
        sa.Column("avatar_url", sa.Text(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=True, comment="The stage of the founder's company."),
        sa.Column(
            "industry", sa.Text(), nullable=True, comment="The industry of the founder's company."
        ),
        sa.Column(
            "achievements",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'::text[]"),
            nullable=False,
        ),
        sa.Column(
            "visibility_settings",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default=sa.text(
                """'{"show_name": true, "show_stage": true, "show_industry": true,"""
                """ "show_bio": true, "show_achievements": true}'::jsonb"""
            ),
            nullable=False,
            comment="The fields that applications show; signed-in users can read the whole row.",
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
            "cardinality(achievements) <= 100"
            " and coalesce(array_ndims(achievements), 1) = 1"
            " and array_position(achievements, null) is null"
            " and not jsonb_path_exists(to_jsonb(achievements), '$[*]"
            ' ? (@ like_regex "^.{201}" flag "s")\')',
            name=op.f("ck_community_profiles_achievements_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(avatar_url) <= 2000", name=op.f("ck_community_profiles_avatar_url_bounds")
        ),
        sa.CheckConstraint(
            "char_length(bio) <= 20000", name=op.f("ck_community_profiles_bio_bounds")
        ),
        sa.CheckConstraint(
            "char_length(display_name) <= 200",
            name=op.f("ck_community_profiles_display_name_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(industry) <= 200", name=op.f("ck_community_profiles_industry_bounds")
        ),
        sa.CheckConstraint(
            "char_length(stage) <= 200", name=op.f("ck_community_profiles_stage_bounds")
        ),
        sa.CheckConstraint(
            "octet_length(visibility_settings::text) <= 262144"
            " and not jsonb_path_exists(visibility_settings, 'strict $.**{32}"
            ' ? (@.type() == "object" || @.type() == "array")\')'
            " and not jsonb_path_exists(visibility_settings, 'strict $.**"
            " ? (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308)')",
            name=op.f("ck_community_profiles_visibility_settings_bounds"),
        ),
        sa.CheckConstraint(
            "jsonb_typeof(visibility_settings) = 'object'",
            name=op.f("ck_community_profiles_visibility_settings_is_object"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["auth.users.id"],
            name=op.f("fk_community_profiles_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_profiles")),
        sa.UniqueConstraint("user_id", name=op.f("uq_community_profiles_user_id")),
        comment="The profile that a founder shows to the community; one row per account.",
        if_not_exists=True,
    )
    op.create_index(
        "ix_community_profiles_created_at",
        "community_profiles",
        [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.TableAccess(
            table="community_profiles",
            grants={
                "authenticated": (
                    "select",
                    (
                        "insert (id, user_id, display_name, bio, avatar_url, stage, "
                        "industry, achievements, visibility_settings)"
                    ),
                    (
                        "update (display_name, bio, avatar_url, stage, industry, "
                        "achievements, visibility_settings)"
                    ),
                    "delete",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="community_profiles",
            name="signed-in users can read",
            command="select",
            roles=("authenticated",),
            using="true",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="community_profiles",
            name="the owner with an account can insert",
            command="insert",
            roles=("authenticated",),
            check="""
                (user_id = (select auth.uid()))
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
            table="community_profiles",
            name="the owner with an account can update",
            command="update",
            roles=("authenticated",),
            using="""
                (user_id = (select auth.uid()))
                and (
                    (
                        select
                            nullif(current_setting('request.jwt.claims', true), '')::jsonb
                            ->> 'is_anonymous'
                    ) is distinct from 'true'
                )
            """,
            check="""
                (user_id = (select auth.uid()))
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
            table="community_profiles",
            name="the owner can delete",
            command="delete",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="community_profiles",
            name="the service can do everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="community_profiles",
            name="update_community_profiles_updated_at",
            timing="before",
            events=("update",),
            function="private.update_updated_at_column",
            comment="Sets updated_at.",
        )
    )


def experts() -> None:
    op.create_table(
        "expert_listings",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("expertise_type", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column(
            "is_active",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="Whether the offer is open.",
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
            "char_length(description) <= 20000", name=op.f("ck_expert_listings_description_bounds")
        ),
        sa.CheckConstraint(
            "char_length(title) <= 200"
            r" and title ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f"
            r"\u2028-\u202f\u205f-\u206f\u3000\ufeff]'",
            name=op.f("ck_expert_listings_title_bounds"),
        ),
        sa.CheckConstraint(
            "expertise_type in ('design_review', 'tech_architecture', 'gtm_strategy', "
            "'fundraising', 'legal', 'other')",
            name=op.f("ck_expert_listings_expertise_type_known"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["auth.users.id"],
            name=op.f("fk_expert_listings_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_expert_listings")),
        comment="The expertise that founders offer.",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_expert_listings_user_id"),
        "expert_listings",
        ["user_id"],
        unique=False,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.TableAccess(
            table="expert_listings",
            grants={
                "authenticated": (
                    "select",
                    "insert (id, user_id, expertise_type, title, description, is_active)",
                    "update (expertise_type, title, description, is_active)",
                    "delete",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="expert_listings",
            name="signed-in users can read",
            command="select",
            roles=("authenticated",),
            using="true",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="expert_listings",
            name="the owner with an account can insert",
            command="insert",
            roles=("authenticated",),
            check="""
                (user_id = (select auth.uid()))
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
            table="expert_listings",
            name="the owner with an account can update",
            command="update",
            roles=("authenticated",),
            using="""
                (user_id = (select auth.uid()))
                and (
                    (
                        select
                            nullif(current_setting('request.jwt.claims', true), '')::jsonb
                            ->> 'is_anonymous'
                    ) is distinct from 'true'
                )
            """,
            check="""
                (user_id = (select auth.uid()))
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
            table="expert_listings",
            name="the owner can delete",
            command="delete",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="expert_listings",
            name="the service can do everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="expert_listings",
            name="update_expert_listings_updated_at",
            timing="before",
            events=("update",),
            function="private.update_updated_at_column",
            comment="Sets updated_at.",
        )
    )


def downgrade() -> None:
    lock_tables("public.community_profiles", "public.expert_listings", "auth.users")
    drop_table("expert_listings")
    drop_table("community_profiles")
