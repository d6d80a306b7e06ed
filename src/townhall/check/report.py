"""The result of a check."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from townhall.check.findings import Finding
from townhall.check.impact import Severity

_VERSION = 1
_OF_DANGERS = ("danger", "declared_at", "python")
"""The fields that only dangers have."""


@dataclass(frozen=True)
class Answer:
    """The answer to one question.

    Attributes:
        question: ``migration`` where one is running or was interrupted, ``revision``, ``drift``,
            ``row security``, ``login role``, or ``kept`` where an adoption kept something.
        answer: The answer, as a sentence or a few words.
        is_good: Whether nothing has to be done.
        severity: How severe it is where it is not good.
    """

    question: str
    answer: str
    is_good: bool
    severity: Severity = Severity.FUNCTIONAL


@dataclass(frozen=True)
class Document:
    """A report as JSON has it, as ``docs/check-report.schema.json`` describes it.

    Attributes:
        version: The version of this format, which changes where a field goes or means something
            else; a new field does not change it.
        is_good: Whether there is no difference and every answer is good.
        answers: The questions with their answers.
        findings: Every difference, in an order in which the repairs run, and the notes.
    """

    version: int
    is_good: bool
    answers: tuple[Answer, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Report:
    """The result of a check.

    Attributes:
        answers: The questions with their answers.
        findings: Every difference, in an order in which the repairs run, and the notes.
    """

    answers: tuple[Answer, ...]
    findings: tuple[Finding, ...]

    @property
    def is_good(self) -> bool:
        """Whether there is no difference and every answer is good."""
        return not self.has(Severity.COSMETIC)

    def has(self, severity: Severity) -> bool:
        """Tell whether a difference, or an answer that is not good, is as severe or more so.

        Args:
            severity: The least severity that counts.
        """
        found = [each.severity for each in self.findings if each.is_drift or each.danger]
        found += [each.severity for each in self.answers if not each.is_good]
        return any(each.is_at_least(severity) for each in found)

    def as_dict(self) -> dict[str, Any]:
        """Return the report for JSON: the fields of :class:`Document`."""
        document = asdict(Document(_VERSION, self.is_good, self.answers, self.findings))
        document["findings"] = tuple(map(_as_dict, self.findings))
        return document


def _as_dict(finding: Finding) -> dict[str, Any]:
    fields = asdict(finding)
    if finding.danger is None:
        for name in _OF_DANGERS:
            del fields[name]
    return fields
