"""Counters of posts and depths of comments that existed before their triggers.

Each batch of rows is a transaction of its own, so that no application waits for it. The revision
is idempotent: interrupted, it can run again.

A downgrade leaves the counters and depths as they are; it destroys no data.

Revision: townhall_0017
Revises: townhall_0016
Created: 2026-11-21
"""

from __future__ import annotations

from townhall.migrate.safety import update_in_batches

revision = "townhall_0017"
down_revision = "townhall_0016"
branch_labels = None
depends_on = None

REACTIONS = """
(select count(*) from public.social_feed_reactions as r where r.post_id = t.id)
"""

COMMENTS = """
(select count(*) from public.social_feed_comments as c where c.post_id = t.id)
"""


def upgrade() -> None:
    update_in_batches(
        "social_feed_posts",
        f"reaction_count = {REACTIONS}, comment_count = {COMMENTS}",
        where=f"(t.reaction_count, t.comment_count) is distinct from ({REACTIONS}, {COMMENTS})",
    )
    # The triggers set the depth of each from that of the comment it answers.
    update_in_batches(
        "social_feed_comments",
        "depth = 1",
        where="t.parent_comment_id is not null and t.depth = 0",
    )


def downgrade() -> None:
    pass
