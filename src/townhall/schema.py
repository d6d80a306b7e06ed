"""The whole schema in one place: the tables, and every entity beside them."""

from __future__ import annotations

from townhall import platform
from townhall.base import metadata
from townhall.coaching import access as coaching_access
from townhall.coaching import triggers as coaching_triggers
from townhall.coaching import views as coaching_views
from townhall.community import access as community_access
from townhall.community import triggers as community_triggers
from townhall.community import views as community_views
from townhall.events import access as events_access
from townhall.events import triggers as events_triggers
from townhall.events import views as events_views
from townhall.identity import access as identity_access
from townhall.identity import triggers as identity_triggers
from townhall.pg import Entity
from townhall.pg.access import Access
from townhall.wizard import access as wizard_access
from townhall.wizard import triggers as wizard_triggers

entities: tuple[Entity, ...] = (
    *platform.ENTITIES,
    *identity_access.ENTITIES,
    *identity_triggers.ENTITIES,
    *events_access.ENTITIES,
    *events_triggers.ENTITIES,
    *events_views.ENTITIES,
    *community_access.ENTITIES,
    *community_triggers.ENTITIES,
    *community_views.ENTITIES,
    *coaching_access.ENTITIES,
    *coaching_triggers.ENTITIES,
    *coaching_views.ENTITIES,
    *wizard_access.ENTITIES,
    *wizard_triggers.ENTITIES,
)

access_rules: tuple[Access, ...] = (
    *identity_access.RULES,
    *events_access.RULES,
    *community_access.RULES,
    *coaching_access.RULES,
    *wizard_access.RULES,
)
"""Who may do what to each table."""

__all__ = ["access_rules", "entities", "metadata"]
