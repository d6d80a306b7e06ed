"""Constraints and the index of the levels of communities.

Each step commits, so that no application waits for the validation of a constraint or the build of
an index. The revision is idempotent: interrupted, it can run again.

A downgrade drops the constraints and the index; it destroys no data.

Revision: townhall_0010
Revises: townhall_0009
Created: 2026-11-21
"""

from __future__ import annotations

from townhall.migrate.safety import (
    add_constraint,
    create_index,
    drop_constraint,
    drop_index_at_once,
)

revision = "townhall_0010"
down_revision = "townhall_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_constraint(
        "communities",
        "fk_communities_parent_community_id_communities",
        "foreign key (parent_community_id) references public.communities (id) on delete cascade",
    )
    add_constraint(
        "communities", "ck_communities_parent_is_another", "check (parent_community_id <> id)"
    )
    add_constraint(
        "communities", "ck_communities_tier_required_known", "check (tier_required between 0 and 2)"
    )
    create_index(
        "idx_communities_parent",
        "communities",
        "(parent_community_id) where parent_community_id is not null",
    )


def downgrade() -> None:
    drop_index_at_once("communities", "idx_communities_parent")
    for constraint in (
        "ck_communities_tier_required_known",
        "ck_communities_parent_is_another",
        "fk_communities_parent_community_id_communities",
    ):
        drop_constraint("communities", constraint)
