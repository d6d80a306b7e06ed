"""Messages between founders.

Realtime subscribers receive the whole old row, for which the table has the replica identity full.

Clients can insert messages from townhall_0019 on, which has the blocks between founders.

A downgrade destroys every message.

Revision: townhall_0018
Revises: townhall_0017
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from townhall import pg
from townhall.migrate.safety import drop_table, lock_tables

revision = "townhall_0018"
down_revision = "townhall_0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    lock_tables("public.founder_messages", writes_only=["auth.users"])
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
            comment="Whether the recipient has read it; set by mark_messages_read().",
        ),
        sa.Column(
            "is_fred_facilitated",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Whether Fred, the assistant, introduced the two; written by the service.",
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
            "char_length(content) <= 20000", name=op.f("ck_founder_messages_content_bounds")
        ),
        sa.CheckConstraint(
            "octet_length(metadata::text) <= 262144"
            " and not jsonb_path_exists(metadata, 'strict $.**{32}"
            ' ? (@.type() == "object" || @.type() == "array")\')'
            " and not jsonb_path_exists(metadata, 'strict $.**"
            " ? (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308)')",
            name=op.f("ck_founder_messages_metadata_bounds"),
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
        comment="Messages between founders; immutable.",
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
            comment="Marks messages to the caller as read; returns how many were unread.",
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
            comment="Marks messages to the caller as read; returns how many were unread.",
        )
    )
    pg.create_entity(
        pg.TableAccess(
            table="founder_messages",
            grants={
                "authenticated": ("select", "insert (sender_id, recipient_id, content, metadata)"),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="founder_messages",
            name="the sender or the recipient can read",
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
            name="the service can do everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(pg.ReplicaIdentity(table="founder_messages"))


def downgrade() -> None:
    lock_tables("public.founder_messages", "auth.users")
    drop_table("founder_messages")
    arguments = {"message_ids": "uuid[]"}
    pg.drop_entity(pg.Function.named(name="mark_messages_read", arguments=arguments))
    pg.drop_entity(
        pg.Function.named(schema="private", name="mark_messages_read", arguments=arguments)
    )
