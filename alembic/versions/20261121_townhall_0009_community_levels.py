"""Communities within communities, their tiers and their sponsors.

The constraints and the index of the new columns follow in the next revision.

A downgrade destroys the parents and the tiers of communities, and every sponsor.

Revision: townhall_0009
Revises: townhall_0008
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from townhall import pg

revision = "townhall_0009"
down_revision = "townhall_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    levels()
    sponsors()


def levels() -> None:
    op.add_column(
        "communities",
        sa.Column(
            "parent_community_id",
            sa.Uuid(),
            nullable=True,
            comment="The parent community; null at the top level.",
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
            comment="Whether it has a paying sponsor; written by the service.",
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
            comment="The subscription tier it requires: 0 free, 1 pro, 2 studio.",
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


def sponsors() -> None:
    op.create_table(
        "subcommunity_sponsors",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column(
            "sponsor_user_id",
            sa.Uuid(),
            nullable=True,
            comment="The sponsor's account; null where there is none, or it was deleted.",
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
            comment="Whether the sponsor is shown first.",
        ),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the sponsorship began.",
        ),
        sa.Column(
            "expires_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When the sponsorship ends; null for no end.",
        ),
        sa.Column(
            "is_active",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="Whether the sponsor is shown.",
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
            "extract(year from expires_at at time zone 'UTC') between 2 and 9998",
            name=op.f("ck_subcommunity_sponsors_expires_at_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(sponsor_logo_url) <= 2000",
            name=op.f("ck_subcommunity_sponsors_sponsor_logo_url_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(sponsor_name) <= 200"
            r" and sponsor_name ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f"
            r"\u2028-\u202f\u205f-\u206f\u3000\ufeff]'",
            name=op.f("ck_subcommunity_sponsors_sponsor_name_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(sponsor_url) <= 2000",
            name=op.f("ck_subcommunity_sponsors_sponsor_url_bounds"),
        ),
        sa.CheckConstraint(
            "extract(year from started_at at time zone 'UTC') between 2 and 9998",
            name=op.f("ck_subcommunity_sponsors_started_at_bounds"),
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
        comment="The sponsors of a community.",
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
            name="signed-in users can read",
            command="select",
            roles=("authenticated",),
            using="true",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="subcommunity_sponsors",
            name="the service can do everything",
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
            timing="before",
            events=("update",),
            function="private.update_updated_at_column",
            comment="Sets updated_at.",
        )
    )


def downgrade() -> None:
    op.drop_table("subcommunity_sponsors", if_exists=True)
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
