"""What the database does by itself for coaching."""

from __future__ import annotations

from townhall.pg import Entity
from townhall.platform import keep_updated_at

ENTITIES: tuple[Entity, ...] = (
    keep_updated_at("tenant_profiles"),
    keep_updated_at("campaigns"),
    keep_updated_at("participant_sessions"),
)
