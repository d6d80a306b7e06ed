"""Access matrices: the outcomes that a test of access expects, written as a table."""

from __future__ import annotations

from typing import NamedTuple

from townhall.input_error import InputError
from townhall.testing.access import Outcome

OUTCOME_CODES = {
    "+": Outcome.ALLOWED,
    "0": Outcome.NO_ROWS,
    "!": Outcome.VIOLATES_POLICY,
    "x": Outcome.PERMISSION_DENIED,
    "r": Outcome.REFUSED,
}
"""The codes of the outcomes in an access matrix."""


class AccessCase(NamedTuple):
    """One cell of an access matrix."""

    target: str
    """The object that is tried, by the name of its block: most often a table."""
    command: str
    """The command that is run on it."""
    persona: str
    """The caller."""
    expected: Outcome
    """The outcome that the database must give."""

    def __str__(self) -> str:
        """Name the cell as a test is named: ``events-select-manager-allowed``."""
        return "-".join(self)


def access_cases(matrix: str) -> list[AccessCase]:
    """Read an access matrix.

    Args:
        matrix: One or more blocks with an empty line between them. The first line of a block is
            what is tried, most often the name of a table, and the personas; each further line is a
            command and a code for each persona: ``+`` allowed, ``0`` no rows, ``!`` violates a
            policy, ``x`` permission denied, ``r`` refused by a function.

    Returns:
        A case per cell, in order of reading, for ``pytest.mark.parametrize(…, ids=str)``.

    Raises:
        InputError: A line has more or fewer codes than there are personas, or an unknown code.
    """
    lines = [line.split() for line in matrix.splitlines()]
    cases = []
    heading: list[str] = []
    for line in lines:
        if not line or not heading:
            heading = line
        else:
            cases += _cells(heading, line)
    return cases


def _cells(heading: list[str], line: list[str]) -> list[AccessCase]:
    target, *personas = heading
    command, *codes = line
    if len(codes) != len(personas):
        raise InputError(f"{target}, {command}: {len(codes)} codes for {len(personas)} personas")
    unknown = sorted({*codes} - {*OUTCOME_CODES})
    if unknown:
        known = ", ".join(f"{code} ({outcome})" for code, outcome in OUTCOME_CODES.items())
        raise InputError(
            f"{target}, {command}: unknown {' '.join(unknown)}; an outcome is one of {known}"
        )
    return [
        AccessCase(target, command, persona, OUTCOME_CODES[code])
        for persona, code in zip(personas, codes, strict=True)
    ]
