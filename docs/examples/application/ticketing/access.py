"""Who may do what, in townhall's words, and what the shop adds to townhall's own rules."""

from __future__ import annotations

from ticketing.models import Sponsor, Ticket
from townhall.domains.events.access import managers, members
from townhall.pg import AUTHENTICATED, Entity, Policy
from townhall.pg.access import Access, anyone_with, entities_of, membership, owner

RULES = (
    Access(
        Ticket,
        read=members("event_id") | owner("holder_id", "the holder"),
        write=managers("event_id"),
        fixed=("event_id",),
    ),
    Access(Sponsor, read=members("event_id"), write=managers("event_id"), fixed=("event_id",)),
)

MY_TICKETED_EVENTS = membership(
    "my_ticketed_event_ids",
    """
    select t.event_id
    from public.tickets as t
    where t.holder_id = (select auth.uid())
    """,
    "The events that the caller holds a ticket of.",
)

# A policy of the shop on a table of townhall: it adds readers and takes nobody away.
HOLDERS_SEE_THE_EVENT = Policy(
    table="events",
    name="ticket holders select",
    command="select",
    roles=(AUTHENTICATED,),
    using=anyone_with("id", "my_ticketed_event_ids", "ticket holders").condition,
)

ENTITIES: tuple[Entity, ...] = (*entities_of(RULES), MY_TICKETED_EVENTS, HOLDERS_SEE_THE_EVENT)
