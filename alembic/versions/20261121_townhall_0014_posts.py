"""Posts of the feed.

The counters of a post start at 0; the triggers of reactions and comments keep them. Realtime
subscribers receive the whole old row, for which the table has the replica identity full.

A downgrade destroys every post.

Revision: townhall_0014
Revises: townhall_0013
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from townhall import pg
from townhall.migrate.safety import drop_table, lock_tables

revision = "townhall_0014"
down_revision = "townhall_0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    lock_tables("public.social_feed_posts", writes_only=["public.milestones", "auth.users"])
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
            comment="The milestone that it is about; text, like the key of milestones.",
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
            comment="The number of reactions; maintained by triggers.",
        ),
        sa.Column(
            "comment_count",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="The number of comments; maintained by triggers.",
        ),
        sa.Column(
            "view_count",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="The number of views; written by the service.",
        ),
        sa.Column(
            "is_public",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="Whether signed-in users can read it; otherwise only its author can.",
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
            "char_length(content) <= 20000", name=op.f("ck_social_feed_posts_content_bounds")
        ),
        sa.CheckConstraint(
            "octet_length(metadata::text) <= 262144"
            " and not jsonb_path_exists(metadata, 'strict $.**{32}"
            ' ? (@.type() == "object" || @.type() == "array")\')'
            " and not jsonb_path_exists(metadata, 'strict $.**"
            " ? (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308)')",
            name=op.f("ck_social_feed_posts_metadata_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(title) <= 200", name=op.f("ck_social_feed_posts_title_bounds")
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
        comment="Posts of founders; only the author can read a private post.",
        if_not_exists=True,
    )
    op.execute("alter table public.social_feed_posts set (fillfactor = 85)")
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
        "ix_social_feed_posts_created_at_id",
        "social_feed_posts",
        [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
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
            comment="Sets the counters of a new post to 0, whatever the insert gives.",
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
            name="readers of public posts or the author can read",
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
            name="the author with an account and their own milestones can insert",
            command="insert",
            roles=("authenticated",),
            check="""
                (
                    (author_id = (select auth.uid()))
                    and (
                        (
                            select
                                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                                ->> 'is_anonymous'
                        ) is distinct from 'true'
                    )
                )
                and (
                    milestone_id is null
                    or exists (
                        select
                        from public.milestones as parent
                        where parent.id = social_feed_posts.milestone_id
                        offset 0
                    )
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="social_feed_posts",
            name="the author with an account can update",
            command="update",
            roles=("authenticated",),
            using="""
                (author_id = (select auth.uid()))
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
                    (author_id = (select auth.uid()))
                    and (
                        (
                            select
                                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                                ->> 'is_anonymous'
                        ) is distinct from 'true'
                    )
                )
                and (
                    milestone_id is null
                    or exists (
                        select
                        from public.milestones as parent
                        where parent.id = social_feed_posts.milestone_id
                        offset 0
                    )
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="social_feed_posts",
            name="the author can delete",
            command="delete",
            roles=("authenticated",),
            using="author_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="social_feed_posts",
            name="the service can do everything",
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
            timing="before",
            events=("update",),
            columns=(
                "author_id",
                "post_type",
                "title",
                "content",
                "milestone_id",
                "metadata",
                "is_public",
            ),
            function="private.update_updated_at_column",
            comment="Sets updated_at.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="social_feed_posts",
            name="start_post_counters",
            timing="before",
            events=("insert",),
            condition="(new.reaction_count, new.comment_count) is distinct from (0, 0)",
            function="private.start_post_counters",
            comment="A new post has no reactions and no comments.",
        )
    )
    pg.create_entity(pg.ReplicaIdentity(table="social_feed_posts"))


def downgrade() -> None:
    lock_tables("public.social_feed_posts", "public.milestones", "auth.users")
    drop_table("social_feed_posts")
    pg.drop_entity(pg.Function.named(schema="private", name="start_post_counters"))
