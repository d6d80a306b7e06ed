"""Reputation of founders, and how regularly they come back.

A downgrade destroys every reputation event and every streak.

Revision: townhall_0020
Revises: townhall_0019
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from townhall import pg
from townhall.migrate.safety import drop_table, lock_tables

revision = "townhall_0020"
down_revision = "townhall_0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    lock_tables("public.engagement_streaks", "public.reputation_events", writes_only=["auth.users"])
    reputation()
    streaks()


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
            comment="The row that the points are for, in the table that source_type names.",
        ),
        sa.Column("source_type", sa.Text(), nullable=True, comment="The table of source_id."),
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
            "octet_length(metadata::text) <= 262144"
            " and not jsonb_path_exists(metadata, 'strict $.**{32}"
            ' ? (@.type() == "object" || @.type() == "array")\')'
            " and not jsonb_path_exists(metadata, 'strict $.**"
            " ? (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308)')",
            name=op.f("ck_reputation_events_metadata_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(source_type) <= 200", name=op.f("ck_reputation_events_source_type_bounds")
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
        comment="The events that earned a founder points; written by the service.",
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
            name="the owner can read",
            command="select",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="reputation_events",
            name="the service can do everything",
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
            comment="When the row last changed; maintained by a trigger.",
        ),
        sa.CheckConstraint(
            "last_checkin_date between '0001-01-01' and '9999-12-31'",
            name=op.f("ck_engagement_streaks_last_checkin_date_bounds"),
        ),
        sa.CheckConstraint(
            "extract(year from streak_started_at at time zone 'UTC') between 2 and 9998",
            name=op.f("ck_engagement_streaks_streak_started_at_bounds"),
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
        comment="On how many days in a row a founder has checked in; written by the service.",
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
            name="the owner can read",
            command="select",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="engagement_streaks",
            name="the service can do everything",
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
            timing="before",
            events=("update",),
            function="private.update_updated_at_column",
            comment="Sets updated_at.",
        )
    )


def downgrade() -> None:
    lock_tables("public.engagement_streaks", "public.reputation_events", "auth.users")
    drop_table("engagement_streaks")
    drop_table("reputation_events")
