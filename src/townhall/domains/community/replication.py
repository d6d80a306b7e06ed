"""The replica identities of the community, for Supabase Realtime.

Realtime sends subscribers the row before an update, and of a deleted row the key alone.
"""

from __future__ import annotations

from townhall.pg import Entity, ReplicaIdentity

ENTITIES: tuple[Entity, ...] = (
    ReplicaIdentity(table="social_feed_posts"),
    ReplicaIdentity(table="founder_messages"),
)
