"""Foreign keys that do not say whose their rows are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import MetaData

from townhall.check.dangers.found import found
from townhall.check.dangers.kinds import Danger
from townhall.check.findings import Finding
from townhall.check.snapshot import in_words
from townhall.people.links import Link, Links
from townhall.printing import python_literal

_DECISION = (
    "whose the row is: a person's (people.PERSON), one that a person made (people.ACTOR), or"
    " somebody else's (people.OTHER)"
)
_REPAIR = "-- none in SQL: the models declare it"


def unclassified(metadata: Iterable[MetaData]) -> Iterator[Finding]:
    """Yield the foreign keys to accounts and to rows of people that are not classified.

    Args:
        metadata: The declared tables.
    """
    for link in Links(metadata).unclassified:
        yield found(
            Danger.UNCLASSIFIED, name_of(link), [_REPAIR], _declaration(link), decision=_DECISION
        )


def columns_of_links(metadata: Iterable[MetaData]) -> dict[str, tuple[str, ...]]:
    """Return the columns of the foreign keys to accounts and to rows of people, by their names.

    Args:
        metadata: The declared tables.
    """
    return {name_of(link): _columns(link) for link in Links(metadata).unclassified}


def name_of(link: Link) -> str:
    """Return what the report calls a foreign key."""
    return in_words("constraint", link.table.schema or "public", link.table.name, link.name)


def _columns(link: Link) -> tuple[str, ...]:
    return tuple(column.name for column in link.columns)


def _declaration(link: Link) -> str:
    targets = [each.target_fullname for each in link.constraint.elements]
    rules = (("ondelete", link.constraint.ondelete), ("onupdate", link.constraint.onupdate))
    options = "".join(f", {name}={python_literal(value)}" for name, value in rules if value)
    if len(targets) == 1:
        return f"ForeignKey({python_literal(targets[0])}{options}, info=people.PERSON)"
    columns, referred = _list_of(_columns(link)), _list_of(targets)
    return f"ForeignKeyConstraint({columns}, {referred}{options}, info=people.PERSON)"


def _list_of(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(python_literal, texts))}]"
