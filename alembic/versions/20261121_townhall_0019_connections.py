"""Connections between founders.

A downgrade destroys every connection and every block.

Revision: townhall_0019
Revises: townhall_0018
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from townhall import pg

revision = "townhall_0019"
down_revision = "townhall_0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "founder_connections",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column(
            "requester_id", sa.Uuid(), nullable=False, comment="The account that sent the request."
        ),
        sa.Column(
            "recipient_id",
            sa.Uuid(),
            nullable=False,
            comment="The account that received the request.",
        ),
        sa.Column(
            "status",
            sa.Text(),
            server_default="pending",
            nullable=False,
            comment="The answer; only the recipient can change blocked.",
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
            comment="When the row last changed; maintained by a trigger.",
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
        comment="Requests of founders for a connection, with their answers.",
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
            name="the requester or the recipient can read",
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
            name="the requester asking for a connection can insert",
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
            name="the recipient or the requester unless blocked can update",
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
            name="the recipient or the requester unless blocked can delete",
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
            name="the service can do everything",
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
            timing="before",
            events=("update",),
            function="private.update_updated_at_column",
            comment="Sets updated_at.",
        )
    )


def downgrade() -> None:
    op.drop_table("founder_connections", if_exists=True)
