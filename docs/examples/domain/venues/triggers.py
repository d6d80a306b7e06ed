"""The triggers of venues."""

from townhall.domains.identity.triggers import keep_updated_at

ENTITIES = (keep_updated_at("venues"),)
