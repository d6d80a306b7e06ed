"""What the engine would refuse, as it is printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

_VERSION = 1
ENGINE = "Citus 13.2"
"""The engine, in the version whose refusals the rules are from."""
STRIPPED = "materialized view"
"""The kind of what is not refused, but loses its indexes, privileges and comment."""


@dataclass(frozen=True)
class Obstacle:
    """What an engine refuses, or takes away without an error.

    Attributes:
        kind: ``key``, ``unique``, ``foreign key``, ``trigger``, ``policy`` or
            ``materialized view``.
        object: The object: ``policy public.events members can read``.
        reason: What of it is not possible.
        change: What makes it possible.
    """

    kind: str
    object: str
    reason: str
    change: str

    def __str__(self) -> str:
        """Return the obstacle as one line."""
        return f"{self.object}: {self.reason}. Change: {self.change}."


def summary(obstacles: Sequence[Obstacle]) -> str:
    """Return how much is refused, and how many views would lose what was made for them.

    Args:
        obstacles: What is refused, or taken away.
    """
    views = sum(each.kind == STRIPPED for each in obstacles)
    refused = f"{ENGINE} would refuse {len(obstacles) - views} of what is declared"
    return f"{refused}, and strip {views} materialized views." if views else f"{refused}."


@dataclass(frozen=True)
class Document:
    """A report as JSON has it, as ``docs/distribution-report.schema.json`` describes it.

    Attributes:
        version: The version of this format, which changes where a field goes or means something
            else; a new field does not change it.
        engine: The engine whose refusals they are, and its version.
        is_good: Whether nothing is refused.
        tables: The map: the key or ``reference``, by the full name of the table.
        obstacles: What is refused, in the order of the tables.
    """

    version: int
    engine: str
    is_good: bool
    tables: Mapping[str, str]
    obstacles: tuple[Obstacle, ...]


def as_dict(tables: Mapping[str, str], obstacles: tuple[Obstacle, ...]) -> dict[str, Any]:
    """Return a report for JSON.

    Args:
        tables: The map.
        obstacles: What is refused.
    """
    return asdict(Document(_VERSION, ENGINE, not obstacles, dict(tables), obstacles))
