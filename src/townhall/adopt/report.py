"""The result of a look, as a terminal shows it and as JSON."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from townhall.adopt.findings import Finding, Weight, listed
from townhall.adopt.words import counted
from townhall.pg import sql
from townhall.pg.catalog import TableName
from townhall.printing import printable

_NARROWEST, _WIDEST = 80, 120
_MARGIN = 10
_MOST = 8
_WEIGHTS = list(Weight)
_BY_THEMSELVES = {
    "column to fill",
    "function of a declared name",
    "policy of a declared name",
    "trigger of a declared name",
    "uses of a converted column",
}
"""The kinds of changes that are told one by one."""
_VERBS = {
    Weight.STOP: ("stops it", "stop it"),
    Weight.DECIDE: ("needs a decision", "need a decision"),
    Weight.CHANGE: ("is changed", "are changed"),
    Weight.NOTE: ("stays", "stay"),
}
"""What one finding of a weight does, and what several do."""


@dataclass(frozen=True)
class Look:
    """What a look at an existing database found.

    Attributes:
        database: The name of the database.
        revisions: The revisions that the database is at; none before it is taken over.
        declared: The declared tables, by schema and name.
        existing: Those of them that exist and that no revision of this history made.
        findings: What was found, the heaviest first within each object.
    """

    database: str
    revisions: tuple[str, ...]
    declared: tuple[TableName, ...]
    existing: tuple[TableName, ...]
    findings: tuple[Finding, ...]

    @property
    def is_settled(self) -> bool:
        """Whether nothing has to be done or decided."""
        return all(finding.weight is Weight.NOTE for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Return the look for JSON; docs/adopting.md has the schema."""
        return {
            "is_settled": self.is_settled,
            "database": self.database,
            "revisions": list(self.revisions),
            "tables": [sql.qualified(*each) for each in self.existing],
            "counts": {str(weight): self._count(weight) for weight in Weight},
            "findings": [finding.as_dict() for finding in self.findings],
        }

    def lines(self, width: int | None = None) -> Iterator[str]:
        """Yield the lines for a terminal: a summary, and the findings by object.

        Args:
            width: The columns of the terminal; None to ask it. 80 to 120 are used.
        """
        columns = width or shutil.get_terminal_size((100, 24)).columns
        columns = min(max(columns, _NARROWEST), _WIDEST)
        yield from _wrapped(self._summary(), columns)
        for name, findings in _by_object(self.findings):
            yield ""
            yield printable(name)
            for weight in Weight:
                yield from _of_weight(
                    weight, [each for each in findings if each.weight is weight], columns
                )

    def _summary(self) -> str:
        number, all_ = len(self.existing), len(self.declared)
        tables = f"{number} of {counted(all_, 'declared table')} exist{'s' * (number == 1)}"
        counts = [
            f"{number} {_VERBS[weight][number > 1]}"
            for weight in Weight
            if (number := self._count(weight))
        ]
        found = listed(counts, len(_WEIGHTS)) if counts else "nothing has to be done"
        return f"{tables} that no revision of this history made; {found}."

    def _count(self, weight: Weight) -> int:
        return sum(finding.weight is weight for finding in self.findings)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings by object: the object with the heaviest first, and in each the heaviest.

    Args:
        findings: What was found.
    """
    objects = sorted(_by_object(findings), key=lambda item: (min(map(_weight, item[1])), item[0]))
    return tuple(finding for _, of_object in objects for finding in sorted(of_object, key=_weight))


def _weight(finding: Finding) -> int:
    return _WEIGHTS.index(finding.weight)


def _heading(finding: Finding) -> str:
    return "other names" if finding.table is None else sql.qualified(*finding.table)


def _by_object(findings: Iterable[Finding]) -> Iterable[tuple[str, list[Finding]]]:
    by_object: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_object[_heading(finding)].append(finding)
    return by_object.items()


def _of_weight(weight: Weight, findings: Sequence[Finding], columns: int) -> Iterator[str]:
    by_kind: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_kind[finding.kind].append(finding)
    is_short = weight in {Weight.CHANGE, Weight.NOTE}
    for kind, of_kind in by_kind.items():
        if is_short and len(of_kind) > 1 and kind not in _BY_THEMSELVES:
            names = listed([each.name for each in of_kind], _MOST)
            yield from _entry(weight, f"{kind}, {len(of_kind)}: {names}", columns)
        else:
            for each in of_kind:
                named = "" if each.object == f"table {_heading(each)}" else _in_table(each)
                yield from _entry(weight, f"{named} {each.text}; {each.plan}".strip(), columns)


def _in_table(finding: Finding) -> str:
    kind = finding.object.partition(" ")[0]
    return finding.object if finding.table is None else f"{kind} {finding.name}"


def _entry(weight: Weight, words: str, columns: int) -> Iterator[str]:
    mark = f"  {weight}".ljust(_MARGIN)
    lines = _wrapped(words, columns - _MARGIN)
    for line in lines:
        yield f"{mark}{line}"
        mark = " " * _MARGIN


def _wrapped(words: str, columns: int) -> list[str]:
    return wrap(printable(words), columns, break_on_hyphens=False)
