"""What a test of access expects, written as a table."""

from __future__ import annotations

from typing import NamedTuple

from townhall.testing.access import Outcome


class AccessCase(NamedTuple):
    """One cell of an access table."""

    table: str
    command: str
    persona: str
    expected: Outcome

    def __str__(self) -> str:
        """Name the cell as a test is named: ``events-select-manager-allowed``."""
        return "-".join(self)


def access_cases(tables: str) -> list[AccessCase]:
    """Read access tables: a line of personas below the table's name, then a line per command.

    Args:
        tables: One or more tables, with an empty line between them. The first line of each is the
            name of the table and the personas; each further one is a command and the
            :class:`Outcome` for each persona.

    Returns:
        A case per cell, in order of reading, for ``pytest.mark.parametrize(…, ids=str)``.

    Raises:
        ValueError: A line has more or fewer cells than there are personas, or an unknown outcome.
    """
    cases = []
    for block in "\n".join(line.strip() for line in tables.splitlines()).split("\n\n"):
        heading, *lines = (line.split() for line in block.splitlines() if line)
        table, *personas = heading
        for command, *cells in lines:
            if len(cells) != len(personas):
                raise ValueError(
                    f"{table}, {command}: {len(cells)} outcomes for {len(personas)} personas"
                )
            cases += [
                AccessCase(table, command, persona, Outcome(cell))
                for persona, cell in zip(personas, cells, strict=True)
            ]
    return cases
