"""The founder community: where founders meet, what they plan and how ready they are.

A downgrade destroys every community with its members, every milestone and every score.

Revision: townhall_0003
Revises: townhall_0002
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from townhall import pg

revision = "townhall_0003"
down_revision = "townhall_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "communities",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False, comment="The name in addresses."),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column(
            "created_by",
            sa.Uuid(),
            nullable=True,
            comment="Whose community it is; null once that account is gone.",
        ),
        sa.Column(
            "is_private",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Whether only its members and its creator see it.",
        ),
        sa.Column(
            "is_archived",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Whether it is over; only its creator still sees it.",
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
            ["created_by"],
            ["auth.users.id"],
            name=op.f("fk_communities_created_by_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_communities")),
        sa.UniqueConstraint("slug", name=op.f("uq_communities_slug")),
        comment="A place where founders meet.",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_communities_created_by"),
        "communities",
        ["created_by"],
        unique=False,
        if_not_exists=True,
    )
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
            comment="What the score is made of, by part.",
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row was created.",
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
        comment=("How ready for investors a founder was found to be; the latest row counts."),
        if_not_exists=True,
    )
    op.create_index(
        "ix_investor_readiness_scores_user_id_created_at",
        "investor_readiness_scores",
        ["user_id", sa.literal_column("created_at DESC")],
        unique=False,
        if_not_exists=True,
    )
    op.create_table(
        "milestones",
        sa.Column(
            "id",
            sa.Text(),
            nullable=False,
            comment="A text that the application chooses; not a UUID.",
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
            comment="When the row last changed; kept by a trigger.",
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
        comment="Something that a founder means to reach.",
        if_not_exists=True,
    )
    op.create_index(
        "ix_milestones_user_id_created_at",
        "milestones",
        ["user_id", sa.literal_column("created_at DESC")],
        unique=False,
        if_not_exists=True,
    )
    op.create_table(
        "community_members",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), server_default="member", nullable=False),
        sa.Column(
            "joined_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint(
            "role in ('member', 'moderator', 'owner')", name=op.f("ck_community_members_role_known")
        ),
        sa.ForeignKeyConstraint(
            ["community_id"],
            ["communities.id"],
            name=op.f("fk_community_members_community_id_communities"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["auth.users.id"],
            name=op.f("fk_community_members_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_members")),
        sa.UniqueConstraint(
            "community_id", "user_id", name=op.f("uq_community_members_community_id_user_id")
        ),
        comment="Who belongs to a community, and as what.",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_community_members_user_id"),
        "community_members",
        ["user_id"],
        unique=False,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_community_ids",
            returns="setof uuid",
            body="""
                select m.community_id
                from public.community_members as m
                where m.user_id = (select auth.uid())
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="The communities that the caller belongs to.",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="is_open_community",
            arguments={"community_id": "uuid"},
            returns="boolean",
            body="""
                select exists (
                    select
                    from public.communities as c
                    where c.id = is_open_community.community_id
                        and not c.is_private
                        and not c.is_archived
                )
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="Whether anybody may join a community.",
        )
    )
    pg.create_entity(
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
    pg.create_entity(
        pg.Policy(
            table="communities",
            name="the creator or visitors of what is not archived select",
            command="select",
            roles=("authenticated",),
            using="""
                created_by = (select auth.uid())
                or
                    not is_archived
                    and (not is_private or id = any (array(select private.my_community_ids())))
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="communities",
            name="the creator insert",
            command="insert",
            roles=("authenticated",),
            check="created_by = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="communities",
            name="the creator update",
            command="update",
            roles=("authenticated",),
            using="created_by = (select auth.uid())",
            check="created_by = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="communities",
            name="the service does everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.TableAccess(
            table="community_members",
            grants={
                "authenticated": (
                    "select",
                    "insert (id, community_id, user_id, role)",
                    "delete",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="community_members",
            name="members or the person select",
            command="select",
            roles=("authenticated",),
            using="""
                community_id = any (array(select private.my_community_ids()))
                or user_id = (select auth.uid())
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="community_members",
            name="the person joining what is public insert",
            command="insert",
            roles=("authenticated",),
            check="""
                (user_id = (select auth.uid()))
                and (role = 'member' and private.is_open_community(community_id))
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="community_members",
            name="the person delete",
            command="delete",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="community_members",
            name="the service does everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
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
            name="the owner select",
            command="select",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="milestones",
            name="the owner insert",
            command="insert",
            roles=("authenticated",),
            check="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="milestones",
            name="the owner update",
            command="update",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
            check="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="milestones",
            name="the owner delete",
            command="delete",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="milestones",
            name="the service does everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
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
            name="the owner select",
            command="select",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="investor_readiness_scores",
            name="the service does everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="communities",
            name="update_communities_updated_at",
            event="before update",
            action="for each row execute function public.update_updated_at_column()",
            comment="Keeps updated_at.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="milestones",
            name="update_milestones_updated_at",
            event="before update",
            action="for each row execute function public.update_updated_at_column()",
            comment="Keeps updated_at.",
        )
    )


def downgrade() -> None:
    pg.drop_entity(pg.Trigger.named(table="milestones", name="update_milestones_updated_at"))
    pg.drop_entity(pg.Trigger.named(table="communities", name="update_communities_updated_at"))
    pg.drop_entity(
        pg.Policy.named(table="investor_readiness_scores", name="the service does everything")
    )
    pg.drop_entity(pg.Policy.named(table="investor_readiness_scores", name="the owner select"))
    pg.drop_entity(pg.Policy.named(table="milestones", name="the service does everything"))
    pg.drop_entity(pg.Policy.named(table="milestones", name="the owner delete"))
    pg.drop_entity(pg.Policy.named(table="milestones", name="the owner update"))
    pg.drop_entity(pg.Policy.named(table="milestones", name="the owner insert"))
    pg.drop_entity(pg.Policy.named(table="milestones", name="the owner select"))
    pg.drop_entity(pg.Policy.named(table="community_members", name="the service does everything"))
    pg.drop_entity(pg.Policy.named(table="community_members", name="the person delete"))
    pg.drop_entity(
        pg.Policy.named(table="community_members", name="the person joining what is public insert")
    )
    pg.drop_entity(pg.Policy.named(table="community_members", name="members or the person select"))
    pg.drop_entity(pg.Policy.named(table="communities", name="the service does everything"))
    pg.drop_entity(pg.Policy.named(table="communities", name="the creator update"))
    pg.drop_entity(pg.Policy.named(table="communities", name="the creator insert"))
    pg.drop_entity(
        pg.Policy.named(
            table="communities", name="the creator or visitors of what is not archived select"
        )
    )
    pg.drop_entity(
        pg.Function.named(
            schema="private", name="is_open_community", arguments={"community_id": "uuid"}
        )
    )
    pg.drop_entity(pg.Function.named(schema="private", name="my_community_ids"))
    op.drop_table("community_members", if_exists=True)
    op.drop_table("milestones", if_exists=True)
    op.drop_table("investor_readiness_scores", if_exists=True)
    op.drop_table("communities", if_exists=True)
