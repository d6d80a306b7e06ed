"""Access to the shop's tables, and what the shop adds to townhall's own rules."""

from __future__ import annotations

from ticketing.models import Sponsor, Ticket
from townhall import Event
from townhall.domains.events.access import managers, members
from townhall.pg import AUTHENTICATED, Policy
from townhall.pg.access import Access, Declaration, anyone_with, membership, owner

RULES = (
    Access(
        Ticket,
        read=members(Ticket.event_id) | owner(Ticket.holder_id, "the holder"),
        write=managers(Ticket.event_id),
        fixed=(Ticket.event_id,),
    ),
    Access(
        Sponsor,
        read=members(Sponsor.event_id),
        write=managers(Sponsor.event_id),
        fixed=(Sponsor.event_id,),
    ),
)

MY_TICKETED_EVENT_IDS = membership(
    "my_ticketed_event_ids",
    Event.id,
    """
    select t.event_id
    from public.tickets as t
    where t.holder_id = :caller
    """,
    "The events that the caller holds a ticket of.",
)

# A policy of the shop on a table of townhall adds readers; it can't revoke access.
HOLDERS_READ_THE_EVENT = Policy(
    table="events",
    name="ticket holders can read",
    command="select",
    roles=(AUTHENTICATED,),
    using=anyone_with(Event.id, MY_TICKETED_EVENT_IDS, "ticket holders").condition,
)

ENTITIES: tuple[Declaration, ...] = (*RULES, MY_TICKETED_EVENT_IDS, HOLDERS_READ_THE_EVENT)
