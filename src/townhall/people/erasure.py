"""What an erasure did, and what remains of the person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class AccountState(StrEnum):
    """What became of the account."""

    DELETED = "deleted"
    """It was deleted."""

    ABSENT = "absent"
    """There is no account with the key."""

    REMAINS = "remains"
    """The role of the service may not delete it, or can't see whether it is there."""


@dataclass(frozen=True)
class Deleted:
    """How many rows of a table were deleted.

    Attributes:
        own: Rows of the person.
        of_others: Rows of others that hung from these, such as comments on a post.
    """

    own: int
    of_others: int


@dataclass(frozen=True)
class Remaining:
    """What remains in a table.

    Attributes:
        table: The table.
        count: The number of rows.
        why: Why they remain, and what to do where something is to be done.
        columns: The columns that remain as they were; none where the rows hold nothing of the
            person, or are left as they are as a whole.
    """

    table: str
    count: int
    why: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Erasure:
    """What :func:`erase_person` did.

    Attributes:
        account: What became of the account.
        deleted: How many rows were deleted, by table.
        cleared: In how many rows that stay the columns that tell of the person were cleared, by
            table.
        remaining: What remains, by table.
    """

    account: AccountState
    deleted: Mapping[str, Deleted]
    cleared: Mapping[str, int]
    remaining: tuple[Remaining, ...]
