"""What a look finds: an object, what is the matter with it, and what is done about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from townhall.pg import sql
from townhall.pg.catalog import TableName

Section = Literal["objects", "fill", "convert"]


class Weight(StrEnum):
    """How much a finding weighs, the heaviest first."""

    STOP = "stop"
    """The database can't be taken over as long as it is so: it is changed by hand first."""

    DECIDE = "decide"
    """A person decides, by name, in the file of decisions or by an option."""

    CHANGE = "change"
    """It is changed, and nothing is lost."""

    NOTE = "note"
    """It stays as it is."""


class Question(NamedTuple):
    """What a person decides about an object.

    Attributes:
        section: The table of the file of decisions: ``objects`` is answered by ``drop`` or
            ``keep``, ``fill`` and ``convert`` by an SQL expression.
        key: What is decided about: the identity of an object, or a column as SQL names it.
        suggestion: What may be meant; for an expression an example, or an empty text.
        is_required: Whether it must be answered; otherwise the suggestion is what happens.
        may_be_kept: Whether an object may stay; not where a revision needs its name.
    """

    section: Section
    key: str
    suggestion: str = ""
    is_required: bool = True
    may_be_kept: bool = True


@dataclass(frozen=True)
class Finding:
    """Something about an existing database that matters when it is taken over.

    Attributes:
        weight: How much it weighs.
        kind: What kind of finding it is: ``missing column``.
        object: The identity of the object: ``policy public.profiles "viewable by everyone"``.
        table: Schema and name of the declared table that it is about; None for another object.
        name: The name of the object within the table, as SQL has it.
        text: What is the matter, as a sentence without its object.
        plan: What is done about it.
        question: What a person decides about it, if something has to be decided or may be.
    """

    weight: Weight
    kind: str
    object: str
    table: TableName | None
    name: str
    text: str
    plan: str
    question: Question | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the finding for JSON."""
        question = self.question
        return {
            "weight": str(self.weight),
            "kind": self.kind,
            "object": self.object,
            "table": None if self.table is None else sql.qualified(*self.table),
            "text": self.text,
            "plan": self.plan,
            "question": None if question is None else question._asdict(),
        }


def drop_or_keep(identity: str) -> Question:
    """Return the question whether an object goes or stays, which must be answered."""
    return Question("objects", identity)


def drop_or_stop(identity: str) -> Question:
    """Return the question whether an object goes that stands where a revision needs its name."""
    return Question("objects", identity, may_be_kept=False)


def kept_by_default(identity: str) -> Question:
    """Return the question about an object that stays where nothing is said of it."""
    return Question("objects", identity, "keep", is_required=False)


def listed(words: list[str], most: int = 3) -> str:
    """Return some words as a sentence lists them: ``a, b and 2 more``.

    Args:
        words: The words.
        most: How many of them are shown at most.
    """
    if len(words) <= 1:
        return "".join(words)
    if len(words) > most:
        words = [*words[:most], f"{len(words) - most} more"]
    return f"{', '.join(words[:-1])} and {words[-1]}"
