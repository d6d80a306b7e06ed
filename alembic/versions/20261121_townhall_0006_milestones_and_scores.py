"""Milestones of founders, and their scores of readiness for investors.

A downgrade destroys every milestone and every score.

Revision: townhall_0006
Revises: townhall_0005
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from townhall import pg
from townhall.migrate.safety import drop_table, lock_tables

revision = "townhall_0006"
down_revision = "townhall_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    lock_tables("public.investor_readiness_scores", "public.milestones", writes_only=["auth.users"])
    milestones()
    scores()


def milestones() -> None:
    op.create_table(
        "milestones",
        sa.Column(
            "id",
            sa.Text(),
            nullable=False,
            comment="A text key that the application chooses; not a UUID.",
        ),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default="planned", nullable=False),
        sa.Column("due_date", sa.Date(), nullable=True),
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
            name=op.f("ck_milestones_completed_at_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(description) <= 20000", name=op.f("ck_milestones_description_bounds")
        ),
        sa.CheckConstraint(
            "due_date between '0001-01-01' and '9999-12-31'",
            name=op.f("ck_milestones_due_date_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(id) <= 200"
            r" and id ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f"
            r"\u2028-\u202f\u205f-\u206f\u3000\ufeff]'",
            name=op.f("ck_milestones_id_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(title) <= 200"
            r" and title ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f"
            r"\u2028-\u202f\u205f-\u206f\u3000\ufeff]'",
            name=op.f("ck_milestones_title_bounds"),
        ),
        sa.CheckConstraint(
            "status in ('planned', 'active', 'done')", name=op.f("ck_milestones_status_known")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["auth.users.id"],
            name=op.f("fk_milestones_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_milestones")),
        comment="A goal of a founder.",
        if_not_exists=True,
    )
    op.create_index(
        "ix_milestones_user_id_created_at",
        "milestones",
        ["user_id", sa.literal_column("created_at DESC")],
        unique=False,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.TableAccess(
            table="milestones",
            grants={
                "authenticated": (
                    "select",
                    "insert (id, user_id, title, description, status, due_date, completed_at)",
                    "update (title, description, status, due_date, completed_at)",
                    "delete",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="milestones",
            name="the owner can read",
            command="select",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="milestones",
            name="the owner can insert",
            command="insert",
            roles=("authenticated",),
            check="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="milestones",
            name="the owner can update",
            command="update",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
            check="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="milestones",
            name="the owner can delete",
            command="delete",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="milestones",
            name="the service can do everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="milestones",
            name="update_milestones_updated_at",
            timing="before",
            events=("update",),
            function="private.update_updated_at_column",
            comment="Sets updated_at.",
        )
    )


def scores() -> None:
    op.create_table(
        "investor_readiness_scores",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "overall_score",
            sa.Numeric(precision=5, scale=2),
            nullable=False,
            comment="From 0 to 100.",
        ),
        sa.Column(
            "breakdown",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="The parts of the score.",
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row was created.",
        ),
        sa.CheckConstraint(
            "octet_length(breakdown::text) <= 262144"
            " and not jsonb_path_exists(breakdown, 'strict $.**{32}"
            ' ? (@.type() == "object" || @.type() == "array")\')'
            " and not jsonb_path_exists(breakdown, 'strict $.**"
            " ? (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308)')",
            name=op.f("ck_investor_readiness_scores_breakdown_bounds"),
        ),
        sa.CheckConstraint(
            "jsonb_typeof(breakdown) = 'object'",
            name=op.f("ck_investor_readiness_scores_breakdown_is_object"),
        ),
        sa.CheckConstraint(
            "overall_score between 0 and 100",
            name=op.f("ck_investor_readiness_scores_overall_score_in_range"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["auth.users.id"],
            name=op.f("fk_investor_readiness_scores_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_investor_readiness_scores")),
        comment="The investor readiness of a founder; the latest row is the current one.",
        if_not_exists=True,
    )
    op.create_index(
        "ix_investor_readiness_scores_user_id_created_at",
        "investor_readiness_scores",
        ["user_id", sa.literal_column("created_at DESC")],
        unique=False,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.TableAccess(
            table="investor_readiness_scores",
            grants={"authenticated": ("select",), "service_role": ("all",)},
        )
    )
    pg.create_entity(
        pg.Policy(
            table="investor_readiness_scores",
            name="the owner can read",
            command="select",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="investor_readiness_scores",
            name="the service can do everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )


def downgrade() -> None:
    lock_tables("public.investor_readiness_scores", "public.milestones", "auth.users")
    drop_table("investor_readiness_scores")
    drop_table("milestones")
