"""The result of a check."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from townhall.check.findings import Finding


@dataclass(frozen=True)
class Answer:
    """The answer to one question.

    Attributes:
        question: ``revision``, ``drift``, ``row security`` or ``login role``.
        answer: The answer, as a sentence or a few words.
        is_good: Whether nothing has to be done.
    """

    question: str
    answer: str
    is_good: bool


@dataclass(frozen=True)
class Report:
    """The result of a check.

    Attributes:
        answers: The four questions with their answers.
        findings: Every difference, and the notes.
    """

    answers: tuple[Answer, ...]
    findings: tuple[Finding, ...]

    @property
    def is_good(self) -> bool:
        """Whether there is no difference and every answer is good."""
        differs = any(finding.is_drift for finding in self.findings)
        return not differs and all(answer.is_good for answer in self.answers)

    def as_dict(self) -> dict[str, Any]:
        """Return the report for JSON: ``is_good``, ``answers`` and ``findings``."""
        return {
            "is_good": self.is_good,
            "answers": [asdict(answer) for answer in self.answers],
            "findings": [finding.as_dict() for finding in self.findings],
        }
