"""Why a statement was refused: the kinds, and the sentences that are declared for some rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What went wrong, as an application tells it apart."""

    DENIED = "denied"
    """The caller may not do this."""
    DUPLICATE = "duplicate"
    """There is one already, or more than one where one was expected."""
    MISSING_REFERENCE = "missing_reference"
    """What a row refers to does not exist."""
    OUT_OF_RANGE = "out_of_range"
    """A value is missing, or is none that the column may hold."""
    WRONG_STATE = "wrong_state"
    """It is not possible in the state that rows are in."""
    CONFLICT = "conflict"
    """Somebody else did something at the same time: read it again, and try again."""
    TOO_LARGE = "too_large"
    """A value is larger than the column may hold."""
    NOT_FOUND = "not_found"
    """There is no such row, or none that the caller may read."""

    @property
    def http_status(self) -> int:
        """The status of HTTP for an answer."""
        return _HTTP_STATUS[self]


_HTTP_STATUS: Mapping[Kind, int] = {
    Kind.DENIED: 403,
    Kind.NOT_FOUND: 404,
    Kind.DUPLICATE: 409,
    Kind.WRONG_STATE: 409,
    Kind.CONFLICT: 409,
    Kind.TOO_LARGE: 413,
    Kind.MISSING_REFERENCE: 422,
    Kind.OUT_OF_RANGE: 422,
}


@dataclass(frozen=True)
class Refusal:
    """What a refusal by a rule is told as.

    Attributes:
        kind: The kind.
        sentence: A sentence in plain English for the person who is refused, without values.
    """

    kind: Kind
    sentence: str


_INFO = "refusal"


def refused_with(sentence: str, kind: Kind = Kind.OUT_OF_RANGE) -> dict[Any, Any]:
    """Return the ``info`` of a constraint or a unique index with a sentence of its own.

    Args:
        sentence: A sentence in plain English for the person who is refused, without values.
        kind: The kind of the refusal.
    """
    return {_INFO: Refusal(kind, sentence)}


def refusal_in(info: Mapping[Any, Any]) -> Refusal | None:
    """Return the refusal in the ``info`` of a constraint or index, if it has one.

    Args:
        info: The ``info``.
    """
    refusal = info.get(_INFO)
    return refusal if isinstance(refusal, Refusal) else None
