"""Comments on posts, and the triggers that count them.

Foreign keys to accounts come first in a table, because PostgreSQL checks them in that order: an
insert that refers to an account which is being deleted waits for the account, not for the post.

Clients can insert comments from townhall_0019 on, which has the blocks between founders.

A downgrade destroys every comment.

Revision: townhall_0016
Revises: townhall_0015
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from townhall import pg
from townhall.migrate.safety import drop_table, lock_tables

revision = "townhall_0016"
down_revision = "townhall_0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    lock_tables(
        "public.social_feed_comments", writes_only=["public.social_feed_posts", "auth.users"]
    )
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
            comment="The comment it answers, on the same post; moved and deleted with that.",
        ),
        sa.Column(
            "depth",
            sa.SmallInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="The number of comments above it; maintained by a trigger.",
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
            "char_length(content) <= 20000", name=op.f("ck_social_feed_comments_content_bounds")
        ),
        sa.CheckConstraint(
            "depth between 0 and 20", name=op.f("ck_social_feed_comments_depth_bounded")
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
        comment="Comments on a post, or on another comment of it.",
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
                    changed uuid[];
                    posts uuid[];
                    changes bigint[];
                begin
                    if tg_op <> 'DELETE' then
                        added_to := array(select a.post_id from added as a);
                    end if;
                    if tg_op <> 'INSERT' then
                        removed_from := array(select r.post_id from removed as r);
                    end if;
                    changed := added_to || removed_from;
                    if cardinality(changed) = 1 then
                        update public.social_feed_posts as p
                        set comment_count = greatest(
                            p.comment_count + case tg_op when 'INSERT' then 1 else -1 end, 0
                        )
                        where p.id = changed[1];
                        return null;
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
                "Keeps comment_count of social_feed_posts equal to the number of rows in"
                " social_feed_comments."
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
                "Sets comment_count of social_feed_posts to 0 when social_feed_comments is"
                " truncated."
            ),
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="set_comment_depth",
            language="plpgsql",
            body="""
                begin
                    new.depth := 0;
                    if new.parent_comment_id is not null then
                        select c.depth + 1
                        into new.depth
                        from public.social_feed_comments as c
                        where c.id = new.parent_comment_id;
                        if not found then
                            raise foreign_key_violation
                            using
                                message = 'The comment that is answered does not exist.',
                                hint = 'Insert a comment before its answers.',
                                schema = 'public',
                                table = 'social_feed_comments',
                                column = 'parent_comment_id',
                                constraint = 'fk_social_feed_comments_parent_comment';
                        end if;
                    end if;
                    return new;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            comment="Sets the depth of a comment from that of the comment it answers.",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="move_answers",
            language="plpgsql",
            body="""
                begin
                    update public.social_feed_comments as c
                    set depth = new.depth + 1
                    where c.parent_comment_id = new.id;
                    return null;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            comment="Sets the depth of the answers to a comment whose depth changed.",
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
            name="readers of the post or the author can read",
            command="select",
            roles=("authenticated",),
            using="""
                author_id = (select auth.uid())
                or post_id = any (
                    array(
                        select parent.id
                        from unnest(
                            nullif(
                                current_setting('asked_for.public.social_feed_posts.id', true), ''
                            )::uuid[]
                        ) as lookup (id)
                        join public.social_feed_posts as parent
                            on parent.id = lookup.id
                    )
                )
                or exists (
                    select
                    from jsonb_to_recordset('[{"is_made": true}]')
                        as lookup (is_made boolean)
                    join public.social_feed_posts as parent
                        on parent.id = case
                            when lookup.is_made then social_feed_comments.post_id
                        end
                    offset 0
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="social_feed_comments",
            name="the author can delete",
            command="delete",
            roles=("authenticated",),
            using="author_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="social_feed_comments",
            name="the service can do everything",
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
            timing="before",
            events=("update",),
            function="private.update_updated_at_column",
            comment="Sets updated_at.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="social_feed_comments",
            name="set_comment_depth",
            timing="before",
            events=("insert", "update"),
            columns=("parent_comment_id", "depth"),
            condition="new.parent_comment_id is not null or new.depth is distinct from 0",
            function="private.set_comment_depth",
            comment="Maintains depth.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="social_feed_comments",
            name="move_answers",
            timing="after",
            events=("update",),
            condition="new.depth is distinct from old.depth",
            function="private.move_answers",
            comment="Maintains depth of the answers.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="social_feed_comments",
            name="keep_comment_count_on_insert",
            timing="after",
            events=("insert",),
            level="statement",
            new_table="added",
            function="private.keep_comment_count",
            comment="Maintains comment_count of social_feed_posts.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="social_feed_comments",
            name="keep_comment_count_on_update",
            timing="after",
            events=("update",),
            level="statement",
            old_table="removed",
            new_table="added",
            function="private.keep_comment_count",
            comment="Maintains comment_count of social_feed_posts.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="social_feed_comments",
            name="keep_comment_count_on_delete",
            timing="after",
            events=("delete",),
            level="statement",
            old_table="removed",
            function="private.keep_comment_count",
            comment="Maintains comment_count of social_feed_posts.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="social_feed_comments",
            name="reset_comment_count_on_truncate",
            timing="after",
            events=("truncate",),
            level="statement",
            function="private.reset_comment_count",
            comment="Maintains comment_count of social_feed_posts.",
        )
    )


def downgrade() -> None:
    lock_tables("public.social_feed_comments", "public.social_feed_posts", "auth.users")
    drop_table("social_feed_comments")
    pg.drop_entity(pg.Function.named(schema="private", name="move_answers"))
    pg.drop_entity(pg.Function.named(schema="private", name="set_comment_depth"))
    pg.drop_entity(pg.Function.named(schema="private", name="reset_comment_count"))
    pg.drop_entity(pg.Function.named(schema="private", name="keep_comment_count"))
