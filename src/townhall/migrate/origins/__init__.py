"""What was there before the revisions, remembered, so that a downgrade leaves it.

A revision that creates a table leaves one that exists; its downgrade must not drop that one, and
must take back what was added to it since.
"""

from __future__ import annotations

from townhall.migrate.origins.drops import (
    drop_of_part,
    drop_of_table,
    guard_operations,
    taking_back_of_table,
)
from townhall.migrate.origins.memory import (
    ORIGINS_OPTION,
    Origin,
    Origins,
    Part,
    committed_apart,
)
from townhall.migrate.origins.procedures import TOLD
from townhall.migrate.origins.steps import applied_revision, follow_steps, undone_revision

__all__ = [
    "ORIGINS_OPTION",
    "TOLD",
    "Origin",
    "Origins",
    "Part",
    "applied_revision",
    "committed_apart",
    "drop_of_part",
    "drop_of_table",
    "follow_steps",
    "guard_operations",
    "taking_back_of_table",
    "undone_revision",
]
