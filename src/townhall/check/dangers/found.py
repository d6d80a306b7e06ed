"""A danger as a finding of the report."""

from __future__ import annotations

from collections.abc import Iterable

from townhall.check.dangers.kinds import WORDS, Danger
from townhall.check.findings import Finding


def found(  # noqa: PLR0913 - each is a part of a finding
    danger: Danger,
    item: str,
    statements: Iterable[str],
    python: str,
    *,
    detail: str | None = None,
    decision: str | None = None,
) -> Finding:
    """Return the finding of a danger.

    Args:
        danger: The kind.
        item: The object in words.
        statements: The SQL that ends it.
        python: What to declare instead.
        detail: What is dangerous in this object, in addition to the words of its kind.
        decision: Why a person has to decide first, or None.
    """
    words = WORDS[danger]
    return Finding(
        item,
        words.one if detail is None else f"{words.one}: {detail}",
        words.severity,
        words.impact,
        "; ".join(statements),
        decision,
        is_drift=False,
        danger=str(danger),
        python=python,
    )
