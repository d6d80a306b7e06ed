"""Take over an existing database: what of it differs from the declared tables, by reading alone."""

from __future__ import annotations

from townhall.adopt.comparison import compare
from townhall.adopt.conversions import Conversion
from townhall.adopt.differences import Difference
from townhall.adopt.states import States, read_states

__all__ = ["Conversion", "Difference", "States", "compare", "read_states"]
