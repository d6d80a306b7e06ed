"""Who may do what to campaigns and the people in them."""

from __future__ import annotations

from townhall.coaching.models import Campaign, CampaignAssignment
from townhall.pg import Entity
from townhall.pg.access import Access, entities_of, owner

the_creator = owner("created_by", "the creator")

RULES = (
    Access(Campaign, read=the_creator, write=the_creator, fixed=("created_by",)),
    Access(CampaignAssignment, read=owner("user_id", "the participant")),
)

ENTITIES: tuple[Entity, ...] = entities_of(RULES)
