"""Orders in which a call that several functions of a name fit is not ambiguous yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from townhall.migrate.compare.simulation import Failure
from townhall.migrate.savepoints import sqlstate
from townhall.pg import Routine

Step = TypeVar("Step")

_AMBIGUOUS_FUNCTION = "42725"


def is_ambiguous(failures: Iterable[Failure[Step]]) -> bool:
    """Tell whether a call in what was refused fits several functions."""
    return any(sqlstate(failure.error) == _AMBIGUOUS_FUNCTION for failure in failures)


def arrangements(
    steps: Sequence[Step], routine_of: Callable[[Step], Routine | None]
) -> Iterable[tuple[list[Step], list[Step]]]:
    """Yield steps in two parts, with all but one of the functions of each name in the second.

    Args:
        steps: The steps; where no two of them create functions of a name, nothing is yielded.
        routine_of: Returns the function or procedure that a step creates, or None.
    """
    named: dict[tuple[str, str], list[Step]] = defaultdict(list)
    for step in steps:
        if (routine := routine_of(step)) is not None:
            named[routine.schema, routine.name].append(step)
    for first in (0, -1):
        later = [
            step for of in named.values() for step in of if len(of) > 1 and step is not of[first]
        ]
        if later:
            yield [step for step in steps if not any(step is each for each in later)], later
