"""The vocabulary of access: who may do what to a table.

A rule takes a line or two per table::

    Access(
        Participant,
        read=members(Participant.event_id) | owner(Participant.user_id),
        write=managers(Participant.event_id),
        fixed=(Participant.event_id,),
    )

and is expanded to row level security, one policy per command and role, and exact grants. The
conditions have forms that stay fast at a million rows: the caller's id and memberships are looked
up once per statement and compared through an index, never once per row.

Conditions and helper functions say ``:caller`` for the caller's id. :func:`entities_of` replaces it
when it expands the declarations for the roles of an application.
"""

from __future__ import annotations

from townhall.pg.access.columns import Attribute
from townhall.pg.access.expansion import Declaration, entities_of, grants_of
from townhall.pg.access.helpers import Membership, membership, public_wrapper
from townhall.pg.access.principals import (
    Principal,
    anyone,
    anyone_with,
    either,
    owner,
    readers_of,
    signed_in,
)
from townhall.pg.access.rules import Access

__all__ = [
    "Access",
    "Attribute",
    "Declaration",
    "Membership",
    "Principal",
    "anyone",
    "anyone_with",
    "either",
    "entities_of",
    "grants_of",
    "membership",
    "owner",
    "public_wrapper",
    "readers_of",
    "signed_in",
]
