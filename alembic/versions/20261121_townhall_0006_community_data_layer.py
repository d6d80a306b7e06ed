"""Consent, profiles, cohorts, the feed, messages, connections and benchmarks.

The tables are new and are made in one transaction with all that guards them. What ``communities``
gains follows in steps that end it, so that nobody waits for a constraint or an index.

Foreign keys to accounts come first in each table, because PostgreSQL checks them in that order:
whoever adds to a post of an account that is just being deleted waits for the account, not for
the post.

A downgrade destroys all that these tables hold, what is part of what among communities, their
tiers and who is sponsored.

Revision: townhall_0006
Revises: townhall_0005
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from townhall import pg
from townhall.migrate.safety import add_constraint, create_index

revision = "townhall_0006"
down_revision = "townhall_0005"
branch_labels = None
depends_on = None

# Those first that refer to others; with a table go its indexes, policies and triggers.
TABLES = (
    "social_feed_reactions",
    "social_feed_comments",
    "social_feed_posts",
    "subcommunity_sponsors",
    "reputation_events",
    "founder_messages",
    "founder_connections",
    "expert_listings",
    "engagement_streaks",
    "consent_preferences",
    "consent_audit_log",
    "community_profiles",
    "cohort_members",
    "cohorts",
)
FUNCTIONS_OF_TABLES = (
    pg.Function.named(schema="private", name="my_cohort_ids"),
    pg.Function.named(schema="private", name="start_post_counters"),
    pg.Function.named(schema="private", name="keep_reaction_count"),
    pg.Function.named(schema="private", name="reset_reaction_count"),
    pg.Function.named(schema="private", name="keep_comment_count"),
    pg.Function.named(schema="private", name="reset_comment_count"),
    pg.Function.named(schema="private", name="hold_account"),
    pg.Function.named(schema="private", name="audit_consent"),
    pg.Function.named(schema="private", name="audit_emptied_consents"),
    pg.Function.named(
        schema="private",
        name="record_consent",
        arguments={"user_id": "uuid", "category": "text", "enabled": "boolean"},
    ),
)


def upgrade() -> None:
    communities()
    profiles()
    consents()
    sponsors()
    cohorts()
    posts()
    reactions()
    comments()
    count_what_was_there()
    messages()
    connections()
    experts()
    reputation()
    streaks()
    benchmarks()
    constraints_of_communities()


def communities() -> None:
    op.add_column(
        "communities",
        sa.Column(
            "parent_community_id",
            sa.Uuid(),
            nullable=True,
            comment="The community that it is a part of; null at the top level.",
        ),
        if_not_exists=True,
    )
    op.add_column(
        "communities",
        sa.Column(
            "is_sponsored",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Whether a sponsor pays for it; the service says so.",
        ),
        if_not_exists=True,
    )
    op.add_column(
        "communities",
        sa.Column(
            "tier_required",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="The tier of subscription that it takes: 0 free, 1 pro, 2 studio.",
        ),
        if_not_exists=True,
    )
    pg.replace_entity(
        pg.TableAccess(
            table="communities",
            grants={
                "authenticated": (
                    "select",
                    (
                        "insert (id, name, slug, description, created_by, is_private,"
                        " is_archived, parent_community_id, tier_required)"
                    ),
                    (
                        "update (name, slug, description, is_private, is_archived, "
                        "parent_community_id, tier_required)"
                    ),
                ),
                "service_role": ("all",),
            },
        )
    )


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
            comment="What an application shows to others; whoever is signed in can read the row.",
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
            comment="When the row last changed; kept by a trigger.",
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
        comment="What a founder tells the community about themselves; one row per account.",
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
            name="signed-in users select",
            command="select",
            roles=("authenticated",),
            using="true",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="community_profiles",
            name="the owner insert",
            command="insert",
            roles=("authenticated",),
            check="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="community_profiles",
            name="the owner update",
            command="update",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
            check="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="community_profiles",
            name="the owner delete",
            command="delete",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="community_profiles",
            name="the service does everything",
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
            event="before update",
            action="for each row execute function public.update_updated_at_column()",
            comment="Keeps updated_at.",
        )
    )


def consents() -> None:
    op.create_table(
        "consent_audit_log",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column(
            "previous_value",
            sa.Boolean(),
            nullable=False,
            comment="Whether the person agreed before.",
        ),
        sa.Column(
            "new_value", sa.Boolean(), nullable=False, comment="Whether the person agrees since."
        ),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="When; several changes of one transaction keep their order.",
        ),
        sa.Column(
            "ip_address",
            sa.Text(),
            nullable=True,
            comment="Where the request said that it came from.",
        ),
        sa.Column(
            "user_agent",
            sa.Text(),
            nullable=True,
            comment="Which program the request said that it came from.",
        ),
        sa.CheckConstraint(
            "category in ('benchmarks', 'social_feed', 'directory', 'messaging', "
            "'investor_intros')",
            name=op.f("ck_consent_audit_log_category_known"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["auth.users.id"],
            name=op.f("fk_consent_audit_log_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_audit_log")),
        comment="Every change of a consent, written by a trigger alone.",
        if_not_exists=True,
    )
    op.create_table(
        "consent_preferences",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column(
            "enabled",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Whether the person agrees.",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row last changed; kept by a trigger.",
        ),
        sa.CheckConstraint(
            "category in ('benchmarks', 'social_feed', 'directory', 'messaging', "
            "'investor_intros')",
            name=op.f("ck_consent_preferences_category_known"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["auth.users.id"],
            name=op.f("fk_consent_preferences_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_preferences")),
        sa.UniqueConstraint(
            "user_id", "category", name=op.f("uq_consent_preferences_user_id_category")
        ),
        comment="What a person agreed to; without a row they did not. Theirs alone to see.",
        if_not_exists=True,
    )
    op.create_index(
        "ix_consent_audit_log_user_id_changed_at",
        "consent_audit_log",
        ["user_id", sa.literal_column("changed_at DESC")],
        unique=False,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="record_consent",
            arguments={"user_id": "uuid", "category": "text", "enabled": "boolean"},
            returns="void",
            body="""
                insert into public.consent_audit_log (
                    user_id, category, previous_value, new_value, ip_address, user_agent
                )
                select
                    u.id,
                    record_consent.category,
                    not record_consent.enabled,
                    record_consent.enabled,
                    nullif(trim(split_part(h.headers ->> 'x-forwarded-for', ',', 1)), ''),
                    nullif(h.headers ->> 'user-agent', '')
                from auth.users as u
                cross join (
                    select nullif(current_setting('request.headers', true), '')::jsonb
                ) as h (headers)
                where u.id = record_consent.user_id
            """,
            settings={"search_path": "pg_catalog, pg_temp"},
            comment="Writes one change of a consent to the audit, unless the account is gone.",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="audit_consent",
            language="plpgsql",
            body="""
                begin
                    if old.enabled
                        and (old.user_id, old.category, old.enabled)
                            is distinct from (new.user_id, new.category, new.enabled)
                    then
                        perform private.record_consent(old.user_id, old.category, false);
                    end if;
                    if new.enabled
                        and (old.user_id, old.category, old.enabled)
                            is distinct from (new.user_id, new.category, new.enabled)
                    then
                        perform private.record_consent(new.user_id, new.category, true);
                    end if;
                    return null;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            comment="Audits what changes when a consent is inserted, updated or deleted.",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="audit_emptied_consents",
            language="plpgsql",
            body="""
                begin
                    perform private.record_consent(c.user_id, c.category, false)
                    from public.consent_preferences as c
                    where c.enabled;
                    return null;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            comment="Audits what changes when all consents are truncated.",
        )
    )
    pg.create_entity(
        pg.TableAccess(
            table="consent_preferences",
            grants={
                "authenticated": (
                    "select",
                    "insert (id, user_id, category, enabled)",
                    "update (enabled)",
                    "delete",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="consent_preferences",
            name="the person select",
            command="select",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="consent_preferences",
            name="the person insert",
            command="insert",
            roles=("authenticated",),
            check="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="consent_preferences",
            name="the person update",
            command="update",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
            check="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="consent_preferences",
            name="the person delete",
            command="delete",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="consent_preferences",
            name="the service does everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.TableAccess(
            table="consent_audit_log",
            grants={"authenticated": ("select",), "service_role": ("all",)},
        )
    )
    pg.create_entity(
        pg.Policy(
            table="consent_audit_log",
            name="the person select",
            command="select",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="consent_audit_log",
            name="the service does everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="consent_preferences",
            name="update_consent_preferences_updated_at",
            event="before update",
            action="for each row execute function public.update_updated_at_column()",
            comment="Keeps updated_at.",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="hold_account",
            language="plpgsql",
            body="""
                begin
                    if has_any_column_privilege('auth.users', 'update') then
                        perform
                        from auth.users as u
                        where u.id = (select auth.uid())
                        for key share;
                    end if;
                    return null;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            comment=(
                "Lets the caller's account be deleted before or after a statement, not meanwhile."
            ),
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="consent_preferences",
            name="hold_account",
            event="before insert or update or delete",
            action="for each statement execute function private.hold_account()",
            comment="Spares the deletion of an account a deadlock with the audit.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="consent_preferences",
            name="audit_consent",
            event="after insert or update or delete",
            action="for each row execute function private.audit_consent()",
            comment="Leaves one row in consent_audit_log for every change of a consent.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="consent_preferences",
            name="audit_emptied_consents",
            event="before truncate",
            action="for each statement execute function private.audit_emptied_consents()",
            comment="Leaves one row in consent_audit_log for every consent that is on.",
        )
    )


def sponsors() -> None:
    op.create_table(
        "subcommunity_sponsors",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column(
            "sponsor_user_id",
            sa.Uuid(),
            nullable=True,
            comment="The sponsor's account; null where there is none, or none any more.",
        ),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("sponsor_name", sa.Text(), nullable=False),
        sa.Column("sponsor_logo_url", sa.Text(), nullable=True),
        sa.Column("sponsor_url", sa.Text(), nullable=True),
        sa.Column(
            "is_featured",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Whether it is shown first.",
        ),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="Since when it is a sponsor.",
        ),
        sa.Column(
            "expires_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Until when; null for no end.",
        ),
        sa.Column(
            "is_active",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="Whether it is shown at all.",
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
            comment="When the row last changed; kept by a trigger.",
        ),
        sa.ForeignKeyConstraint(
            ["sponsor_user_id"],
            ["auth.users.id"],
            name=op.f("fk_subcommunity_sponsors_sponsor_user_id_users"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["community_id"],
            ["communities.id"],
            name=op.f("fk_subcommunity_sponsors_community_id_communities"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subcommunity_sponsors")),
        sa.UniqueConstraint(
            "community_id",
            "sponsor_user_id",
            name=op.f("uq_subcommunity_sponsors_community_id_sponsor_user_id"),
        ),
        comment="Who sponsors a community.",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_subcommunity_sponsors_sponsor_user_id"),
        "subcommunity_sponsors",
        ["sponsor_user_id"],
        unique=False,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.TableAccess(
            table="subcommunity_sponsors",
            grants={"authenticated": ("select",), "service_role": ("all",)},
        )
    )
    pg.create_entity(
        pg.Policy(
            table="subcommunity_sponsors",
            name="signed-in users select",
            command="select",
            roles=("authenticated",),
            using="true",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="subcommunity_sponsors",
            name="the service does everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="subcommunity_sponsors",
            name="update_subcommunity_sponsors_updated_at",
            event="before update",
            action="for each row execute function public.update_updated_at_column()",
            comment="Keeps updated_at.",
        )
    )


def cohorts() -> None:
    op.create_table(
        "cohorts",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("cohort_type", sa.Text(), server_default="stage", nullable=False),
        sa.Column(
            "max_members",
            sa.Integer(),
            server_default=sa.text("8"),
            nullable=False,
            comment="How many the matching puts in; not a limit by itself.",
        ),
        sa.Column("status", sa.Text(), server_default="forming", nullable=False),
        sa.Column(
            "match_criteria",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="By what they were put together.",
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
            comment="When the row last changed; kept by a trigger.",
        ),
        sa.CheckConstraint(
            "cohort_type in ('stage', 'industry', 'custom')",
            name=op.f("ck_cohorts_cohort_type_known"),
        ),
        sa.CheckConstraint(
            "jsonb_typeof(match_criteria) = 'object'",
            name=op.f("ck_cohorts_match_criteria_is_object"),
        ),
        sa.CheckConstraint(
            "status in ('forming', 'active', 'archived')", name=op.f("ck_cohorts_status_known")
        ),
        sa.CheckConstraint("max_members > 0", name=op.f("ck_cohorts_max_members_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cohorts")),
        comment="A few founders who were put together; they see each other, nobody else does.",
        if_not_exists=True,
    )
    op.create_table(
        "cohort_members",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), server_default="member", nullable=False),
        sa.Column(
            "joined_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column(
            "left_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When the founder left; that alone ends the membership.",
        ),
        sa.Column(
            "is_active",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="Whether the founder takes part; false alone ends the membership.",
        ),
        sa.CheckConstraint(
            "role in ('member', 'facilitator')", name=op.f("ck_cohort_members_role_known")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["auth.users.id"],
            name=op.f("fk_cohort_members_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["cohort_id"],
            ["cohorts.id"],
            name=op.f("fk_cohort_members_cohort_id_cohorts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cohort_members")),
        sa.UniqueConstraint(
            "cohort_id", "user_id", name=op.f("uq_cohort_members_cohort_id_user_id")
        ),
        comment="Who belongs to a cohort; whoever left sees nothing of it any more.",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_cohort_members_user_id"),
        "cohort_members",
        ["user_id"],
        unique=False,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_cohort_ids",
            returns="setof uuid",
            body="""
                select m.cohort_id
                from public.cohort_members as m
                where m.user_id = (select auth.uid())
                    and m.is_active
                    and m.left_at is null
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="The cohorts that the caller belongs to and has not left.",
        )
    )
    pg.create_entity(
        pg.TableAccess(
            table="cohorts",
            grants={"authenticated": ("select",), "service_role": ("all",)},
        )
    )
    pg.create_entity(
        pg.Policy(
            table="cohorts",
            name="active members select",
            command="select",
            roles=("authenticated",),
            using="id = any (array(select private.my_cohort_ids()))",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="cohorts",
            name="the service does everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.TableAccess(
            table="cohort_members",
            grants={"authenticated": ("select", "delete"), "service_role": ("all",)},
        )
    )
    pg.create_entity(
        pg.Policy(
            table="cohort_members",
            name="active members select",
            command="select",
            roles=("authenticated",),
            using="cohort_id = any (array(select private.my_cohort_ids()))",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="cohort_members",
            name="the person delete",
            command="delete",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="cohort_members",
            name="the service does everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="cohorts",
            name="update_cohorts_updated_at",
            event="before update",
            action="for each row execute function public.update_updated_at_column()",
            comment="Keeps updated_at.",
        )
    )


def posts() -> None:
    op.create_table(
        "social_feed_posts",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("post_type", sa.Text(), server_default="milestone", nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column(
            "milestone_id",
            sa.Text(),
            nullable=True,
            comment="The milestone that it is about; a text, as its key is.",
        ),
        sa.Column(
            "metadata",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "reaction_count",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="How many reactions there are; kept by triggers.",
        ),
        sa.Column(
            "comment_count",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="How many comments there are; kept by triggers.",
        ),
        sa.Column(
            "view_count",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="How often it was looked at; the service counts.",
        ),
        sa.Column(
            "is_public",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="Whether whoever is signed in sees it; otherwise its author alone does.",
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
            comment="When the row last changed; kept by a trigger.",
        ),
        sa.CheckConstraint(
            "jsonb_typeof(metadata) = 'object'",
            name=op.f("ck_social_feed_posts_metadata_is_object"),
        ),
        sa.CheckConstraint(
            "post_type in ('milestone', 'achievement', 'update', 'shoutout')",
            name=op.f("ck_social_feed_posts_post_type_known"),
        ),
        sa.CheckConstraint(
            "comment_count >= 0", name=op.f("ck_social_feed_posts_comment_count_not_negative")
        ),
        sa.CheckConstraint(
            "reaction_count >= 0", name=op.f("ck_social_feed_posts_reaction_count_not_negative")
        ),
        sa.CheckConstraint(
            "view_count >= 0", name=op.f("ck_social_feed_posts_view_count_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["author_id"],
            ["auth.users.id"],
            name=op.f("fk_social_feed_posts_author_id_users"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["milestone_id"],
            ["milestones.id"],
            name=op.f("fk_social_feed_posts_milestone_id_milestones"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_social_feed_posts")),
        comment="What founders tell the others. A private post is its author's alone.",
        if_not_exists=True,
    )
    op.create_index(
        "ix_social_feed_posts_author_id_created_at",
        "social_feed_posts",
        ["author_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        "ix_social_feed_posts_created_at",
        "social_feed_posts",
        [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("is_public"),
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_social_feed_posts_milestone_id"),
        "social_feed_posts",
        ["milestone_id"],
        unique=False,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="start_post_counters",
            language="plpgsql",
            body="""
                begin
                    new.reaction_count := 0;
                    new.comment_count := 0;
                    return new;
                end
            """,
            settings={"search_path": "pg_catalog, pg_temp"},
            comment="Starts the counters of a post at 0, whatever the insert says.",
        )
    )
    pg.create_entity(
        pg.TableAccess(
            table="social_feed_posts",
            grants={
                "authenticated": (
                    "select",
                    (
                        "insert (id, author_id, post_type, title, content, "
                        "milestone_id, metadata, is_public)"
                    ),
                    "update (post_type, title, content, milestone_id, metadata, is_public)",
                    "delete",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="social_feed_posts",
            name="readers of what is public or the author select",
            command="select",
            roles=("authenticated",),
            using="""
                is_public
                or author_id = (select auth.uid())
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="social_feed_posts",
            name="the author of their own milestones insert",
            command="insert",
            roles=("authenticated",),
            check="""
                (author_id = (select auth.uid()))
                and (
                    milestone_id is null
                    or exists (
                        select
                        from public.milestones as m
                        where m.id = social_feed_posts.milestone_id
                    )
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="social_feed_posts",
            name="the author update",
            command="update",
            roles=("authenticated",),
            using="author_id = (select auth.uid())",
            check="""
                (author_id = (select auth.uid()))
                and (
                    milestone_id is null
                    or exists (
                        select
                        from public.milestones as m
                        where m.id = social_feed_posts.milestone_id
                    )
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="social_feed_posts",
            name="the author delete",
            command="delete",
            roles=("authenticated",),
            using="author_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="social_feed_posts",
            name="the service does everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="social_feed_posts",
            name="update_social_feed_posts_updated_at",
            event="""
                before update of
                    author_id, post_type, title, content, milestone_id, metadata, is_public
            """,
            action="for each row execute function public.update_updated_at_column()",
            comment="Keeps updated_at.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="social_feed_posts",
            name="start_post_counters",
            event="before insert",
            action="for each row execute function private.start_post_counters()",
            comment="A new post has no reactions and no comments.",
        )
    )
    pg.create_entity(
        pg.ReplicaIdentity(
            table="social_feed_posts",
        )
    )


def reactions() -> None:
    op.create_table(
        "social_feed_reactions",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("reaction_type", sa.Text(), server_default="encourage", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row was created.",
        ),
        sa.CheckConstraint(
            "reaction_type in ('encourage', 'celebrate', 'insightful')",
            name=op.f("ck_social_feed_reactions_reaction_type_known"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["auth.users.id"],
            name=op.f("fk_social_feed_reactions_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["post_id"],
            ["social_feed_posts.id"],
            name=op.f("fk_social_feed_reactions_post_id_social_feed_posts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_social_feed_reactions")),
        sa.UniqueConstraint(
            "post_id",
            "user_id",
            "reaction_type",
            name=op.f("uq_social_feed_reactions_post_id_user_id_reaction_type"),
        ),
        comment="What people think of a post; each may say each thing once.",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_social_feed_reactions_user_id"),
        "social_feed_reactions",
        ["user_id"],
        unique=False,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="keep_reaction_count",
            language="plpgsql",
            body="""
                declare
                    added_to uuid[];
                    removed_from uuid[];
                    posts uuid[];
                    changes bigint[];
                begin
                    if tg_op <> 'DELETE' then
                        added_to := array(select a.post_id from added as a);
                    end if;
                    if tg_op <> 'INSERT' then
                        removed_from := array(select r.post_id from removed as r);
                    end if;
                    select array_agg(c.post_id), array_agg(c.change)
                    into posts, changes
                    from (
                        select c.post_id, sum(c.change) as change
                        from (
                            select a.post_id, 1
                            from unnest(added_to) as a (post_id)
                            union all
                            select r.post_id, -1
                            from unnest(removed_from) as r (post_id)
                        ) as c (post_id, change)
                        group by c.post_id
                        having sum(c.change) <> 0
                    ) as c;
                    if posts is null then
                        return null;
                    end if;
                    perform
                    from public.social_feed_posts as p
                    where p.id = any (posts)
                    order by p.id
                    for no key update;
                    update public.social_feed_posts as p
                    set reaction_count = greatest(p.reaction_count + c.change, 0)
                    from unnest(posts, changes) as c (post_id, change)
                    where p.id = c.post_id;
                    return null;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            comment=(
                "Keeps reaction_count of social_feed_posts equal to the rows "
                "of social_feed_reactions."
            ),
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="reset_reaction_count",
            language="plpgsql",
            body="""
                begin
                    update public.social_feed_posts as p
                    set reaction_count = 0
                    where p.reaction_count <> 0;
                    return null;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            comment=(
                "Sets reaction_count of social_feed_posts to 0 where "
                "social_feed_reactions is emptied."
            ),
        )
    )
    pg.create_entity(
        pg.TableAccess(
            table="social_feed_reactions",
            grants={
                "authenticated": (
                    "select",
                    "insert (id, user_id, post_id, reaction_type)",
                    "delete",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="social_feed_reactions",
            name="readers of the post select",
            command="select",
            roles=("authenticated",),
            using="""
                exists (
                    select
                    from public.social_feed_posts as p
                    where p.id = social_feed_reactions.post_id
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="social_feed_reactions",
            name="the person among readers of the post insert",
            command="insert",
            roles=("authenticated",),
            check="""
                (user_id = (select auth.uid()))
                and (
                    exists (
                        select
                        from public.social_feed_posts as p
                        where p.id = social_feed_reactions.post_id
                    )
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="social_feed_reactions",
            name="the person delete",
            command="delete",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="social_feed_reactions",
            name="the service does everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="social_feed_reactions",
            name="keep_reaction_count_on_insert",
            event="after insert",
            action="""
                referencing new table as added
                for each statement
                execute function private.keep_reaction_count()
            """,
            comment="Keeps reaction_count of social_feed_posts.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="social_feed_reactions",
            name="keep_reaction_count_on_update",
            event="after update",
            action="""
                referencing old table as removed new table as added
                for each statement
                execute function private.keep_reaction_count()
            """,
            comment="Keeps reaction_count of social_feed_posts.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="social_feed_reactions",
            name="keep_reaction_count_on_delete",
            event="after delete",
            action="""
                referencing old table as removed
                for each statement
                execute function private.keep_reaction_count()
            """,
            comment="Keeps reaction_count of social_feed_posts.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="social_feed_reactions",
            name="reset_reaction_count_on_truncate",
            event="after truncate",
            action="for each statement execute function private.reset_reaction_count()",
            comment="Keeps reaction_count of social_feed_posts.",
        )
    )


def comments() -> None:
    op.create_table(
        "social_feed_comments",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column(
            "parent_comment_id",
            sa.Uuid(),
            nullable=True,
            comment="The comment that it answers, on the same post; answers move and go with it.",
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
            comment="When the row last changed; kept by a trigger.",
        ),
        sa.ForeignKeyConstraint(
            ["author_id"],
            ["auth.users.id"],
            name=op.f("fk_social_feed_comments_author_id_users"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["post_id", "parent_comment_id"],
            ["social_feed_comments.post_id", "social_feed_comments.id"],
            name="fk_social_feed_comments_parent_comment",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["post_id"],
            ["social_feed_posts.id"],
            name=op.f("fk_social_feed_comments_post_id_social_feed_posts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_social_feed_comments")),
        sa.UniqueConstraint("post_id", "id", name=op.f("uq_social_feed_comments_post_id_id")),
        comment="What people say to a post, and to each other's comments on it.",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_social_feed_comments_author_id"),
        "social_feed_comments",
        ["author_id"],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_social_feed_comments_parent_comment_id"),
        "social_feed_comments",
        ["parent_comment_id"],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        "ix_social_feed_comments_post_id_created_at",
        "social_feed_comments",
        ["post_id", sa.literal_column("created_at DESC")],
        unique=False,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="keep_comment_count",
            language="plpgsql",
            body="""
                declare
                    added_to uuid[];
                    removed_from uuid[];
                    posts uuid[];
                    changes bigint[];
                begin
                    if tg_op <> 'DELETE' then
                        added_to := array(select a.post_id from added as a);
                    end if;
                    if tg_op <> 'INSERT' then
                        removed_from := array(select r.post_id from removed as r);
                    end if;
                    select array_agg(c.post_id), array_agg(c.change)
                    into posts, changes
                    from (
                        select c.post_id, sum(c.change) as change
                        from (
                            select a.post_id, 1
                            from unnest(added_to) as a (post_id)
                            union all
                            select r.post_id, -1
                            from unnest(removed_from) as r (post_id)
                        ) as c (post_id, change)
                        group by c.post_id
                        having sum(c.change) <> 0
                    ) as c;
                    if posts is null then
                        return null;
                    end if;
                    perform
                    from public.social_feed_posts as p
                    where p.id = any (posts)
                    order by p.id
                    for no key update;
                    update public.social_feed_posts as p
                    set comment_count = greatest(p.comment_count + c.change, 0)
                    from unnest(posts, changes) as c (post_id, change)
                    where p.id = c.post_id;
                    return null;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            comment=(
                "Keeps comment_count of social_feed_posts equal to the rows "
                "of social_feed_comments."
            ),
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="reset_comment_count",
            language="plpgsql",
            body="""
                begin
                    update public.social_feed_posts as p
                    set comment_count = 0
                    where p.comment_count <> 0;
                    return null;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            comment=(
                "Sets comment_count of social_feed_posts to 0 where "
                "social_feed_comments is emptied."
            ),
        )
    )
    pg.create_entity(
        pg.TableAccess(
            table="social_feed_comments",
            grants={
                "authenticated": (
                    "select",
                    "insert (id, author_id, post_id, content, parent_comment_id)",
                    "update (content)",
                    "delete",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="social_feed_comments",
            name="readers of the post select",
            command="select",
            roles=("authenticated",),
            using="""
                exists (
                    select
                    from public.social_feed_posts as p
                    where p.id = social_feed_comments.post_id
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="social_feed_comments",
            name="the author among readers of the post insert",
            command="insert",
            roles=("authenticated",),
            check="""
                (author_id = (select auth.uid()))
                and (
                    exists (
                        select
                        from public.social_feed_posts as p
                        where p.id = social_feed_comments.post_id
                    )
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="social_feed_comments",
            name="the author update",
            command="update",
            roles=("authenticated",),
            using="author_id = (select auth.uid())",
            check="author_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="social_feed_comments",
            name="the author delete",
            command="delete",
            roles=("authenticated",),
            using="author_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="social_feed_comments",
            name="the service does everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="social_feed_comments",
            name="update_social_feed_comments_updated_at",
            event="before update",
            action="for each row execute function public.update_updated_at_column()",
            comment="Keeps updated_at.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="social_feed_comments",
            name="keep_comment_count_on_insert",
            event="after insert",
            action="""
                referencing new table as added
                for each statement
                execute function private.keep_comment_count()
            """,
            comment="Keeps comment_count of social_feed_posts.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="social_feed_comments",
            name="keep_comment_count_on_update",
            event="after update",
            action="""
                referencing old table as removed new table as added
                for each statement
                execute function private.keep_comment_count()
            """,
            comment="Keeps comment_count of social_feed_posts.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="social_feed_comments",
            name="keep_comment_count_on_delete",
            event="after delete",
            action="""
                referencing old table as removed
                for each statement
                execute function private.keep_comment_count()
            """,
            comment="Keeps comment_count of social_feed_posts.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="social_feed_comments",
            name="reset_comment_count_on_truncate",
            event="after truncate",
            action="for each statement execute function private.reset_comment_count()",
            comment="Keeps comment_count of social_feed_posts.",
        )
    )


def count_what_was_there() -> None:
    # Posts that are older than the triggers.
    op.execute(
        """
        update public.social_feed_posts as p
        set reaction_count = c.reactions, comment_count = c.comments
        from (
            select
                p.id,
                (
                    select count(*) from public.social_feed_reactions as r where r.post_id = p.id
                ) as reactions,
                (
                    select count(*) from public.social_feed_comments as m where m.post_id = p.id
                ) as comments
            from public.social_feed_posts as p
        ) as c
        where p.id = c.id
            and (p.reaction_count, p.comment_count) is distinct from (c.reactions, c.comments)
        """
    )


def messages() -> None:
    op.create_table(
        "founder_messages",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("sender_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column(
            "is_read",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Whether the recipient has read it; they say so by mark_messages_read().",
        ),
        sa.Column(
            "is_fred_facilitated",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Whether Fred, the assistant, brought the two together; the service says so.",
        ),
        sa.Column(
            "metadata",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row was created.",
        ),
        sa.CheckConstraint(
            "jsonb_typeof(metadata) = 'object'", name=op.f("ck_founder_messages_metadata_is_object")
        ),
        sa.ForeignKeyConstraint(
            ["recipient_id"],
            ["auth.users.id"],
            name=op.f("fk_founder_messages_recipient_id_users"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["sender_id"],
            ["auth.users.id"],
            name=op.f("fk_founder_messages_sender_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_founder_messages")),
        comment="What founders write to each other; a message does not change.",
        if_not_exists=True,
    )
    op.create_index(
        "ix_founder_messages_recipient_id_created_at",
        "founder_messages",
        ["recipient_id", sa.literal_column("created_at DESC")],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        "ix_founder_messages_sender_id_recipient_id_created_at",
        "founder_messages",
        [
            "sender_id",
            "recipient_id",
            sa.literal_column("created_at DESC"),
            sa.literal_column("id DESC"),
        ],
        unique=False,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="mark_messages_read",
            arguments={"message_ids": "uuid[]"},
            returns="bigint",
            body="""
                select m.id
                from public.founder_messages as m
                where m.id = any (message_ids)
                    and m.recipient_id = (select auth.uid())
                    and not m.is_read
                order by m.id
                for no key update;
                with marked as (
                    update public.founder_messages as m
                    set is_read = true
                    where m.id = any (message_ids)
                        and m.recipient_id = (select auth.uid())
                        and not m.is_read
                    returning m.id
                )
                select count(*) from marked
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated",),
            comment="Marks messages to the caller as read and returns how many were not.",
        )
    )
    pg.create_entity(
        pg.Function(
            name="mark_messages_read",
            arguments={"message_ids": "uuid[]"},
            returns="bigint",
            body="select private.mark_messages_read(message_ids)",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated",),
            comment="Marks messages to the caller as read and returns how many were not.",
        )
    )
    pg.create_entity(
        pg.TableAccess(
            table="founder_messages",
            grants={
                "authenticated": (
                    "select",
                    "insert (sender_id, recipient_id, content, metadata)",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="founder_messages",
            name="both parties select",
            command="select",
            roles=("authenticated",),
            using="""
                sender_id = (select auth.uid())
                or recipient_id = (select auth.uid())
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="founder_messages",
            name="the sender insert",
            command="insert",
            roles=("authenticated",),
            check="sender_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="founder_messages",
            name="the service does everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.ReplicaIdentity(
            table="founder_messages",
        )
    )


def connections() -> None:
    op.create_table(
        "founder_connections",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("requester_id", sa.Uuid(), nullable=False, comment="Who asked."),
        sa.Column("recipient_id", sa.Uuid(), nullable=False, comment="Who was asked."),
        sa.Column(
            "status",
            sa.Text(),
            server_default="pending",
            nullable=False,
            comment="What came of it; blocked can only be undone by the recipient.",
        ),
        sa.Column(
            "source",
            sa.Text(),
            server_default="directory",
            nullable=False,
            comment="Where the requester found the recipient.",
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
            comment="When the row last changed; kept by a trigger.",
        ),
        sa.CheckConstraint(
            "source in ('directory', 'cohort', 'fred_suggestion', 'community')",
            name=op.f("ck_founder_connections_source_known"),
        ),
        sa.CheckConstraint(
            "status in ('pending', 'accepted', 'blocked', 'declined')",
            name=op.f("ck_founder_connections_status_known"),
        ),
        sa.CheckConstraint(
            "requester_id <> recipient_id", name=op.f("ck_founder_connections_between_two")
        ),
        sa.ForeignKeyConstraint(
            ["recipient_id"],
            ["auth.users.id"],
            name=op.f("fk_founder_connections_recipient_id_users"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["requester_id"],
            ["auth.users.id"],
            name=op.f("fk_founder_connections_requester_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_founder_connections")),
        sa.UniqueConstraint(
            "requester_id",
            "recipient_id",
            name=op.f("uq_founder_connections_requester_id_recipient_id"),
        ),
        comment="Who asked whom for a connection, and what came of it.",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_founder_connections_recipient_id"),
        "founder_connections",
        ["recipient_id"],
        unique=False,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.TableAccess(
            table="founder_connections",
            grants={
                "authenticated": (
                    "select",
                    "insert (id, requester_id, recipient_id, status, source)",
                    "update (status)",
                    "delete",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="founder_connections",
            name="both parties select",
            command="select",
            roles=("authenticated",),
            using="""
                requester_id = (select auth.uid())
                or recipient_id = (select auth.uid())
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="founder_connections",
            name="the requester asking insert",
            command="insert",
            roles=("authenticated",),
            check="""
                (requester_id = (select auth.uid()))
                and (status = 'pending')
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="founder_connections",
            name="the recipient or the requester unless blocked update",
            command="update",
            roles=("authenticated",),
            using="""
                recipient_id = (select auth.uid())
                or (requester_id = (select auth.uid()))
                and (status <> 'blocked')
            """,
            check="""
                (recipient_id = (select auth.uid()))
                and (status <> 'pending')
                or (requester_id = (select auth.uid()))
                and (status = 'declined')
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="founder_connections",
            name="the recipient or the requester unless blocked delete",
            command="delete",
            roles=("authenticated",),
            using="""
                recipient_id = (select auth.uid())
                or (requester_id = (select auth.uid()))
                and (status <> 'blocked')
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="founder_connections",
            name="the service does everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="founder_connections",
            name="update_founder_connections_updated_at",
            event="before update",
            action="for each row execute function public.update_updated_at_column()",
            comment="Keeps updated_at.",
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
            comment="Whether the offer stands.",
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
            comment="When the row last changed; kept by a trigger.",
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
        comment="What founders offer to help others with.",
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
            name="signed-in users select",
            command="select",
            roles=("authenticated",),
            using="true",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="expert_listings",
            name="the owner insert",
            command="insert",
            roles=("authenticated",),
            check="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="expert_listings",
            name="the owner update",
            command="update",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
            check="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="expert_listings",
            name="the owner delete",
            command="delete",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="expert_listings",
            name="the service does everything",
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
            event="before update",
            action="for each row execute function public.update_updated_at_column()",
            comment="Keeps updated_at.",
        )
    )


def reputation() -> None:
    op.create_table(
        "reputation_events",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("points", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "source_id",
            sa.Uuid(),
            nullable=True,
            comment="The row that the points are for, in whatever table source_type says.",
        ),
        sa.Column("source_type", sa.Text(), nullable=True, comment="What source_id is the key of."),
        sa.Column(
            "metadata",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row was created.",
        ),
        sa.CheckConstraint(
            "event_type in ('intro_made', 'roundtable_participation', 'help_given', "
            "'expertise_shared', 'mentor_session')",
            name=op.f("ck_reputation_events_event_type_known"),
        ),
        sa.CheckConstraint(
            "jsonb_typeof(metadata) = 'object'",
            name=op.f("ck_reputation_events_metadata_is_object"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["auth.users.id"],
            name=op.f("fk_reputation_events_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reputation_events")),
        comment="What earned founders points; the service writes.",
        if_not_exists=True,
    )
    op.create_index(
        "ix_reputation_events_user_id_created_at",
        "reputation_events",
        ["user_id", sa.literal_column("created_at DESC")],
        unique=False,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.TableAccess(
            table="reputation_events",
            grants={"authenticated": ("select",), "service_role": ("all",)},
        )
    )
    pg.create_entity(
        pg.Policy(
            table="reputation_events",
            name="the owner select",
            command="select",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="reputation_events",
            name="the service does everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )


def streaks() -> None:
    op.create_table(
        "engagement_streaks",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("current_streak", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("longest_streak", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("total_checkins", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_checkin_date", sa.Date(), nullable=True),
        sa.Column("streak_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row last changed; kept by a trigger.",
        ),
        sa.CheckConstraint(
            "current_streak >= 0", name=op.f("ck_engagement_streaks_current_streak_not_negative")
        ),
        sa.CheckConstraint(
            "longest_streak >= current_streak",
            name=op.f("ck_engagement_streaks_longest_is_longest"),
        ),
        sa.CheckConstraint(
            "total_checkins >= 0", name=op.f("ck_engagement_streaks_total_checkins_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["auth.users.id"],
            name=op.f("fk_engagement_streaks_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_engagement_streaks")),
        sa.UniqueConstraint("user_id", name=op.f("uq_engagement_streaks_user_id")),
        comment="For how long a founder has been coming back; the service counts.",
        if_not_exists=True,
    )
    pg.create_entity(
        pg.TableAccess(
            table="engagement_streaks",
            grants={"authenticated": ("select",), "service_role": ("all",)},
        )
    )
    pg.create_entity(
        pg.Policy(
            table="engagement_streaks",
            name="the owner select",
            command="select",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="engagement_streaks",
            name="the service does everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="engagement_streaks",
            name="update_engagement_streaks_updated_at",
            event="before update",
            action="for each row execute function public.update_updated_at_column()",
            comment="Keeps updated_at.",
        )
    )


def benchmarks() -> None:
    pg.create_entity(
        pg.MaterializedView(
            name="benchmark_stage_aggregates",
            definition="""
                select
                    f.stage,
                    count(*) as founder_count,
                    (
                        case
                            when count(f.overall_score) >= 5
                                then avg(f.overall_score)
                        end
                    )::numeric(5, 2) as avg_irs_score,
                    (
                        case
                            when count(f.overall_score) >= 5
                                then percentile_cont(0.5) within group (order by f.overall_score)
                        end
                    )::numeric(5, 2) as median_irs_score
                from (
                    select distinct on (c.user_id) p.stage, s.overall_score
                    from public.consent_preferences as c
                    join public.profiles as p on p.id = c.user_id
                    left join public.investor_readiness_scores as s on s.user_id = c.user_id
                    where c.category = 'benchmarks'
                        and c.enabled
                        and p.stage is not null
                    order by c.user_id, s.created_at desc, s.id desc
                ) as f
                group by f.stage
                having count(*) >= 5
            """,
            grants={"authenticated": ("select",), "service_role": ("select",)},
            comment=(
                "How the founders of each stage score who agreed to it; no "
                "group of fewer than 5. As of the last "
                "refresh_benchmark_aggregates()."
            ),
            column_comments={
                "stage": "The stage, as in profiles.",
                "founder_count": "How many founders agreed; 5 or more.",
                "avg_irs_score": (
                    "The average of their latest scores; null where fewer than 5 have one."
                ),
                "median_irs_score": (
                    "The median of their latest scores; null where fewer than 5 have one."
                ),
            },
            indexes={"idx_benchmark_stage_agg_stage": "unique (stage)"},
        )
    )
    pg.create_entity(
        pg.MaterializedView(
            name="benchmark_industry_aggregates",
            definition="""
                select
                    f.industry,
                    count(*) as founder_count,
                    (
                        case
                            when count(f.overall_score) >= 5
                                then avg(f.overall_score)
                        end
                    )::numeric(5, 2) as avg_irs_score,
                    (
                        case
                            when count(f.overall_score) >= 5
                                then percentile_cont(0.5) within group (order by f.overall_score)
                        end
                    )::numeric(5, 2) as median_irs_score
                from (
                    select distinct on (c.user_id) p.industry, s.overall_score
                    from public.consent_preferences as c
                    join public.profiles as p on p.id = c.user_id
                    left join public.investor_readiness_scores as s on s.user_id = c.user_id
                    where c.category = 'benchmarks'
                        and c.enabled
                        and p.industry is not null
                    order by c.user_id, s.created_at desc, s.id desc
                ) as f
                group by f.industry
                having count(*) >= 5
            """,
            grants={"authenticated": ("select",), "service_role": ("select",)},
            comment=(
                "How the founders of each industry score who agreed to it; no"
                " group of fewer than 5. As of the last "
                "refresh_benchmark_aggregates()."
            ),
            column_comments={
                "industry": "The industry, as in profiles.",
                "founder_count": "How many founders agreed; 5 or more.",
                "avg_irs_score": (
                    "The average of their latest scores; null where fewer than 5 have one."
                ),
                "median_irs_score": (
                    "The median of their latest scores; null where fewer than 5 have one."
                ),
            },
            indexes={"idx_benchmark_industry_agg_industry": "unique (industry)"},
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="refresh_benchmark_aggregates",
            returns="void",
            language="plpgsql",
            body="""
                declare
                    aggregate record;
                begin
                    for aggregate in
                        select c.oid::regclass as name, c.relispopulated as is_populated
                        from pg_catalog.pg_class as c
                        where c.oid in (
                            'public.benchmark_stage_aggregates'::regclass,
                            'public.benchmark_industry_aggregates'::regclass
                        )
                        order by c.relname
                    loop
                        execute format(
                            'refresh materialized view %s %s',
                            case when aggregate.is_populated then 'concurrently' end,
                            aggregate.name
                        );
                    end loop;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("service_role",),
            comment="Computes both benchmarks anew while others read them.",
        )
    )
    pg.create_entity(
        pg.Function(
            name="refresh_benchmark_aggregates",
            returns="void",
            body="select private.refresh_benchmark_aggregates()",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("service_role",),
            comment="Computes both benchmarks anew while others read them.",
        )
    )


def constraints_of_communities() -> None:
    # Last, because each of these steps ends the transaction, so that nobody waits for it.
    add_constraint(
        "communities",
        "fk_communities_parent_community_id_communities",
        "foreign key (parent_community_id) references public.communities (id) on delete cascade",
    )
    add_constraint(
        "communities", "ck_communities_parent_is_another", "check (parent_community_id <> id)"
    )
    add_constraint(
        "communities",
        "ck_communities_tier_required_known",
        "check (tier_required between 0 and 2)",
    )
    create_index(
        "idx_communities_parent",
        "communities",
        "(parent_community_id) where parent_community_id is not null",
    )


def downgrade() -> None:
    pg.drop_entity(pg.Function.named(name="refresh_benchmark_aggregates"))
    pg.drop_entity(pg.Function.named(schema="private", name="refresh_benchmark_aggregates"))
    pg.drop_entity(pg.MaterializedView.named(name="benchmark_industry_aggregates"))
    pg.drop_entity(pg.MaterializedView.named(name="benchmark_stage_aggregates"))
    marking = {"name": "mark_messages_read", "arguments": {"message_ids": "uuid[]"}}
    pg.drop_entity(pg.Function.named(**marking))
    pg.drop_entity(pg.Function.named(schema="private", **marking))
    for table in TABLES:
        op.drop_table(table, if_exists=True)
    for function in FUNCTIONS_OF_TABLES:
        pg.drop_entity(function)
    pg.replace_entity(
        pg.TableAccess(
            table="communities",
            grants={
                "authenticated": (
                    "select",
                    "insert (id, name, slug, description, created_by, is_private, is_archived)",
                    "update (name, slug, description, is_private, is_archived)",
                ),
                "service_role": ("all",),
            },
        )
    )
    for column in ("tier_required", "is_sponsored", "parent_community_id"):
        op.drop_column("communities", column, if_exists=True)
