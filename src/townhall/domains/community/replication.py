"""What logical replication tells of the community's rows.

Supabase Realtime passes on to subscribers the row as it was before an update; of a deleted row it
passes on the key alone.
"""

from __future__ import annotations

from townhall.pg import Entity, ReplicaIdentity

ENTITIES: tuple[Entity, ...] = (
    ReplicaIdentity(table="social_feed_posts"),
    ReplicaIdentity(table="founder_messages"),
)
