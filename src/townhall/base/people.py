"""What models declare about the people whose data their rows are.

It stands in the ``info`` of foreign keys, columns and tables, so that it is beside the models and
has no effect on the database. :mod:`townhall.people` reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_KEY = "townhall_people"


class LinkKind(StrEnum):
    """The kind of a foreign key to an account, or to a row of a person."""

    PERSON = "person"
    """The row is the person's: it is exported, and so are rows that refer to it by such a key."""

    ACTOR = "actor"
    """The person made the row, which is not theirs: it is exported, and nothing that refers to it.
    """

    OTHER = "other"
    """The row is somebody else's: it is not exported."""


PERSON: dict[str, Any] = {_KEY: LinkKind.PERSON}
"""``info`` of a foreign key: the row is the person's."""

ACTOR: dict[str, Any] = {_KEY: LinkKind.ACTOR}
"""``info`` of a foreign key: the person made the row, which is not theirs."""

OTHER: dict[str, Any] = {_KEY: LinkKind.OTHER}
"""``info`` of a foreign key: the row is somebody else's."""


@dataclass(frozen=True)
class Personal:
    """A column that tells who a person is, or what a person wrote; an erasure clears it.

    Attributes:
        is_email: Whether it holds an e-mail address, by which rows without a link are found.
        instead: What a column without a default that is not null is set to.
    """

    is_email: bool = False
    instead: object = None


@dataclass(frozen=True)
class Kept:
    """A column with text that an erasure keeps.

    Attributes:
        why: The reason, as the result of the erasure says it.
    """

    why: str


@dataclass(frozen=True)
class AccountId:
    """A column without a foreign key that holds the id of an account; an erasure keeps it.

    Attributes:
        why: The reason, as the result of the erasure says it.
        along: The columns of the row that tell of that account too.
    """

    why: str
    along: tuple[str, ...] = ()


@dataclass(frozen=True)
class Owners:
    """The memberships of a table that make a person an owner of a group.

    Attributes:
        group: The column with the group.
        role: The column with the role.
        owner: The role of an owner.
    """

    group: str
    role: str
    owner: str


@dataclass(frozen=True)
class Accounts:
    """The table of accounts, which people sign in with.

    Attributes:
        confirmed_at: The column with the time when the account proved its e-mail address, where
            the table has one. Without it each address is taken as proved.
    """

    confirmed_at: str | None = None


def personal(*, is_email: bool = False, instead: object = None) -> dict[str, Any]:
    """Return the ``info`` of a column that an erasure clears.

    It is set to null; where it can't be null, to its default, or without one to ``instead``.

    Args:
        is_email: Whether it holds an e-mail address. Rows without a link that have an address of
            the person are cleared as well.
        instead: What the column is set to, where it can't be null and has no default.
    """
    return {_KEY: Personal(is_email, instead)}


def kept(why: str) -> dict[str, Any]:
    """Return the ``info`` of a column with text that an erasure keeps.

    Args:
        why: The reason.
    """
    return {_KEY: Kept(why)}


def account_id(why: str, *, along: Iterable[str] = ()) -> dict[str, Any]:
    """Return the ``info`` of a column without a foreign key that holds the id of an account.

    Args:
        why: Why an erasure keeps it.
        along: The columns of the row that tell of that account too, such as its IP address, and are
            kept with it.
    """
    return {_KEY: AccountId(why, tuple(along))}


def owners(*, group: str, role: str, owner: str) -> dict[str, Any]:
    """Return the ``info`` of a table of memberships, some of which are those of owners.

    Args:
        group: The column with the group.
        role: The column with the role.
        owner: The role of an owner.
    """
    return {_KEY: Owners(group, role, owner)}


def accounts(*, confirmed_at: str | None = None) -> dict[str, Any]:
    """Return the ``info`` of the table of accounts. The table ``auth.users`` is it without one.

    Args:
        confirmed_at: The column with the time when the account proved its e-mail address, where
            the table has one.
    """
    return {_KEY: Accounts(confirmed_at)}


def declared_in(info: Mapping[Any, Any]) -> object:
    """Return what an ``info`` declares about people, or None.

    Args:
        info: The ``info`` of a foreign key, a column or a table.
    """
    return info.get(_KEY)


def without_declaration(info: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return an ``info`` without what it declares about people.

    Args:
        info: The ``info`` of a table.
    """
    return {key: value for key, value in info.items() if key != _KEY}
