"""What a pull leaves out, by kind and name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from townhall.pull.declarable import Declarable
from townhall.pull.models import Models
from townhall.pull.source import Source


class LeftOut(NamedTuple):
    """Objects of a kind that are not pulled.

    Attributes:
        kind: The kind of object.
        names: The objects as SQL names them.
        why: Why they are not pulled.
    """

    kind: str
    names: Sequence[str]
    why: str = ""

    def __str__(self) -> str:
        """Return one line: the kind, how many there are, and their names."""
        why = f" ({self.why})" if self.why else ""
        return f"{self.kind}{why}: {len(self.names)}: {', '.join(self.names)}"


_MADE_BY_REVISION = {"rule", "statistics"}


def left_out(source: Source, declared: Declarable, models: Models) -> list[LeftOut]:
    """Return what is not pulled.

    Args:
        source: The database.
        declared: Its entities as they are declared.
        models: Its tables as they are declared.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for each in source.unmanaged:
        if each.kind in _MADE_BY_REVISION:
            continue
        found[each.kind].append(each.name)
    for kind, name in models.undeclared:
        found[kind].append(name)
    for entity, why in declared.refused:
        found[entity.kind].append(f"{entity.identity}: {why}")
    for kind, name in source.rows:
        found[kind].append(name)
    return [LeftOut(kind, sorted(found[kind])) for kind in sorted(found)]


def in_lines(missing: Iterable[LeftOut]) -> list[str]:
    """Return the lines that the command prints."""
    return [f"  {each}" for each in missing]
