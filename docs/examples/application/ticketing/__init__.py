"""A ticket shop on top of townhall: its own tables, and rules on them and on townhall's."""

from __future__ import annotations

from ticketing.access import ENTITIES as ACCESS
from ticketing.models import Base
from ticketing.sales import ENTITIES as SALES
from ticketing.sales import REFUSALS
from townhall.pg.access import Declaration

metadata = [Base.metadata]
"""The metadata of the shop's own base; townhall's is known."""

entities: list[Declaration] = [*ACCESS, *SALES]
"""Access rules, helpers, functions, triggers and views."""

declared = (*metadata, *entities, REFUSALS)
"""What ``townhall.errors.explain`` takes to tell of the shop's own rules."""
