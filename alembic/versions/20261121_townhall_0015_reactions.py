"""Reactions to posts, and the triggers that count them.

Foreign keys to accounts come first in a table, because PostgreSQL checks them in that order: an
insert that refers to an account which is being deleted waits for the account, not for the post.

Clients can insert reactions from townhall_0019 on, which has the blocks between founders.

A downgrade destroys every reaction.

Revision: townhall_0015
Revises: townhall_0014
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from townhall import pg
from townhall.migrate.safety import drop_table, lock_tables

revision = "townhall_0015"
down_revision = "townhall_0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    lock_tables(
        "public.social_feed_reactions", writes_only=["public.social_feed_posts", "auth.users"]
    )
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
        comment="Reactions to a post; each user has each kind at most once.",
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
                        set reaction_count = greatest(
                            p.reaction_count + case tg_op when 'INSERT' then 1 else -1 end, 0
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
                    set reaction_count = greatest(p.reaction_count + c.change, 0)
                    from unnest(posts, changes) as c (post_id, change)
                    where p.id = c.post_id;
                    return null;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            comment=(
                "Keeps reaction_count of social_feed_posts equal to the number of rows in"
                " social_feed_reactions."
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
                "Sets reaction_count of social_feed_posts to 0 when social_feed_reactions is"
                " truncated."
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
            name="readers of the post or the owner can read",
            command="select",
            roles=("authenticated",),
            using="""
                user_id = (select auth.uid())
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
                            when lookup.is_made then social_feed_reactions.post_id
                        end
                    offset 0
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="social_feed_reactions",
            name="the owner can delete",
            command="delete",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="social_feed_reactions",
            name="the service can do everything",
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
            timing="after",
            events=("insert",),
            level="statement",
            new_table="added",
            function="private.keep_reaction_count",
            comment="Maintains reaction_count of social_feed_posts.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="social_feed_reactions",
            name="keep_reaction_count_on_update",
            timing="after",
            events=("update",),
            level="statement",
            old_table="removed",
            new_table="added",
            function="private.keep_reaction_count",
            comment="Maintains reaction_count of social_feed_posts.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="social_feed_reactions",
            name="keep_reaction_count_on_delete",
            timing="after",
            events=("delete",),
            level="statement",
            old_table="removed",
            function="private.keep_reaction_count",
            comment="Maintains reaction_count of social_feed_posts.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="social_feed_reactions",
            name="reset_reaction_count_on_truncate",
            timing="after",
            events=("truncate",),
            level="statement",
            function="private.reset_reaction_count",
            comment="Maintains reaction_count of social_feed_posts.",
        )
    )


def downgrade() -> None:
    lock_tables("public.social_feed_reactions", "public.social_feed_posts", "auth.users")
    drop_table("social_feed_reactions")
    pg.drop_entity(pg.Function.named(schema="private", name="reset_reaction_count"))
    pg.drop_entity(pg.Function.named(schema="private", name="keep_reaction_count"))
