"""The triggers of venues."""

from townhall.domains.identity.triggers import updated_at_trigger

ENTITIES = (updated_at_trigger("venues"),)
