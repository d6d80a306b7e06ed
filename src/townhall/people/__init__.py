"""The data of a person: exported and erased, as the foreign keys of the tables are classified.

A foreign key to an account, or to a row of a person, says in its ``info`` whose its row is::

    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE", info=people.PERSON)
    )

``townhall check`` tells of one that does not.
"""

from __future__ import annotations

from townhall.base.people import (
    ACTOR,
    OTHER,
    PERSON,
    LinkKind,
    account_id,
    accounts,
    kept,
    owners,
    personal,
)
from townhall.people.erasing import erase_person
from townhall.people.erasure import AccountState, Deleted, Erasure, Remaining
from townhall.people.exporting import export_person
from townhall.people.links import Link, Links

__all__ = [
    "ACTOR",
    "OTHER",
    "PERSON",
    "AccountState",
    "Deleted",
    "Erasure",
    "Link",
    "LinkKind",
    "Links",
    "Remaining",
    "account_id",
    "accounts",
    "erase_person",
    "export_person",
    "kept",
    "owners",
    "personal",
]
