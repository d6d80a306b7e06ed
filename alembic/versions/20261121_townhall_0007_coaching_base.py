"""Campaigns, and the assignments of people to them.

A later revision renames the table of assignments and leaves a view of this name; the steps on the
table are skipped where that has happened. The table was once called ``stakeholder_sessions``; where
it still has that name, it is renamed first.

A downgrade destroys every campaign and every assignment.

Revision: townhall_0007
Revises: townhall_0006
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from townhall import pg
from townhall.migrate.safety import (
    drop_table,
    lock_tables,
    only_where,
    rename_table,
    take_back_table,
)

revision = "townhall_0007"
down_revision = "townhall_0006"
branch_labels = None
depends_on = None

NOT_RENAMED_YET = "to_regclass('public.participant_sessions') is null"


def upgrade() -> None:
    lock_tables(
        "public.stakeholder_sessions",
        "public.campaign_assignments",
        "public.campaigns",
        writes_only=["auth.users"],
    )
    rename_table("stakeholder_sessions", "campaign_assignments")
    op.create_table(
        "campaigns",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default="draft", nullable=False),
        sa.Column(
            "created_by",
            sa.Uuid(),
            nullable=True,
            comment="The account that created the campaign; null once that account is deleted.",
        ),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
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
            "char_length(description) <= 20000", name=op.f("ck_campaigns_description_bounds")
        ),
        sa.CheckConstraint(
            "extract(year from ends_at at time zone 'UTC') between 2 and 9998",
            name=op.f("ck_campaigns_ends_at_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(name) <= 200"
            r" and name ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f"
            r"\u2028-\u202f\u205f-\u206f\u3000\ufeff]'",
            name=op.f("ck_campaigns_name_bounds"),
        ),
        sa.CheckConstraint(
            "extract(year from starts_at at time zone 'UTC') between 2 and 9998",
            name=op.f("ck_campaigns_starts_at_bounds"),
        ),
        sa.CheckConstraint(
            "status in ('draft', 'active', 'completed', 'archived')",
            name=op.f("ck_campaigns_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by"],
            ["auth.users.id"],
            name=op.f("fk_campaigns_created_by_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
        comment="An assessment that a coach invites people to.",
        if_not_exists=True,
    )
    op.create_index(
        "ix_campaigns_created_by_created_at",
        "campaigns",
        ["created_by", sa.literal_column("created_at DESC")],
        unique=False,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.TableAccess(
            table="campaigns",
            grants={
                "authenticated": (
                    "select",
                    "insert (id, name, description, status, created_by, starts_at, ends_at)",
                    "update (name, description, status, starts_at, ends_at)",
                    "delete",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="campaigns",
            name="the creator can read",
            command="select",
            roles=("authenticated",),
            using="created_by = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="campaigns",
            name="the creator with an account can insert",
            command="insert",
            roles=("authenticated",),
            check="""
                (created_by = (select auth.uid()))
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
            table="campaigns",
            name="the creator with an account can update",
            command="update",
            roles=("authenticated",),
            using="""
                (created_by = (select auth.uid()))
                and (
                    (
                        select
                            nullif(current_setting('request.jwt.claims', true), '')::jsonb
                            ->> 'is_anonymous'
                    ) is distinct from 'true'
                )
            """,
            check="""
                (created_by = (select auth.uid()))
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
            table="campaigns",
            name="the creator with an account can delete",
            command="delete",
            roles=("authenticated",),
            using="""
                (created_by = (select auth.uid()))
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
            table="campaigns",
            name="the service can do everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="campaigns",
            name="update_campaigns_updated_at",
            timing="before",
            events=("update",),
            function="private.update_updated_at_column",
            comment="Sets updated_at.",
        )
    )
    with only_where(NOT_RENAMED_YET):
        op.create_table(
            "campaign_assignments",
            sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
            sa.Column("campaign_id", sa.Uuid(), nullable=False),
            sa.Column("stakeholder_name", sa.Text(), nullable=True),
            sa.Column("stakeholder_email", sa.Text(), nullable=True),
            sa.Column(
                "user_id",
                sa.Uuid(),
                nullable=True,
                comment="The person's account; null for a guest without one.",
            ),
            sa.Column(
                "status",
                sa.Text(),
                server_default="pending",
                nullable=False,
                comment="The progress of the person.",
            ),
            sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
            sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
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
                "extract(year from completed_at at time zone 'UTC') between 2 and 9998",
                name=op.f("ck_campaign_assignments_completed_at_bounds"),
            ),
            sa.CheckConstraint(
                "char_length(stakeholder_email) <= 2000",
                name=op.f("ck_campaign_assignments_stakeholder_email_bounds"),
            ),
            sa.CheckConstraint(
                "char_length(stakeholder_name) <= 200",
                name=op.f("ck_campaign_assignments_stakeholder_name_bounds"),
            ),
            sa.CheckConstraint(
                "extract(year from started_at at time zone 'UTC') between 2 and 9998",
                name=op.f("ck_campaign_assignments_started_at_bounds"),
            ),
            sa.CheckConstraint(
                "status in ('pending', 'in_progress', 'completed')",
                name=op.f("ck_campaign_assignments_status_known"),
            ),
            sa.ForeignKeyConstraint(
                ["campaign_id"],
                ["campaigns.id"],
                name=op.f("fk_campaign_assignments_campaign_id_campaigns"),
                ondelete="CASCADE",
            ),
            sa.ForeignKeyConstraint(
                ["user_id"],
                ["auth.users.id"],
                name=op.f("fk_campaign_assignments_user_id_users"),
                ondelete="SET NULL",
            ),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_assignments")),
            comment="One person's part in a campaign.",
            if_not_exists=True,
        )
        op.create_index(
            op.f("ix_campaign_assignments_campaign_id"),
            "campaign_assignments",
            ["campaign_id"],
            unique=False,
            if_not_exists=True,
        )
        op.create_index(
            "ix_campaign_assignments_lower_stakeholder_email",
            "campaign_assignments",
            [sa.literal_column("lower(stakeholder_email)")],
            unique=False,
            if_not_exists=True,
        )
        op.create_index(
            op.f("ix_campaign_assignments_user_id"),
            "campaign_assignments",
            ["user_id"],
            unique=False,
            if_not_exists=True,
        )
        pg.create_entity(
            pg.TableAccess(
                table="campaign_assignments",
                grants={"authenticated": ("select",), "service_role": ("all",)},
            )
        )
        pg.create_entity(
            pg.Policy(
                table="campaign_assignments",
                name="the participant can read",
                command="select",
                roles=("authenticated",),
                using="user_id = (select auth.uid())",
            )
        )
        pg.create_entity(
            pg.Policy(
                table="campaign_assignments",
                name="the service can do everything",
                command="all",
                roles=("service_role",),
                using="true",
                check="true",
            )
        )
        pg.create_entity(
            pg.Trigger(
                table="campaign_assignments",
                name="update_campaign_assignments_updated_at",
                timing="before",
                events=("update",),
                function="private.update_updated_at_column",
                comment="Sets updated_at.",
            )
        )


def downgrade() -> None:
    lock_tables(
        "public.campaign_assignments",
        "public.participant_sessions",
        "public.campaigns",
        "auth.users",
    )
    drop_table("campaign_assignments")
    take_back_table("participant_sessions")  # which kept that name beside a view of others
    drop_table("campaigns")
