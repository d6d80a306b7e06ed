"""Orders in which a call that several functions of a name fit is not ambiguous yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from alembic.operations import MigrateOperation
from sqlalchemy import Connection

from townhall.migrate.compare.simulation import Failure, Waits, never, run_in_any_order
from townhall.migrate.savepoints import sqlstate
from townhall.pg import CreateEntityOp, Routine

Step = TypeVar("Step")
Arrangement = tuple[list[Step], list[Step]]

AMBIGUOUS_FUNCTION = "42725"


def is_ambiguous(failures: Iterable[Failure[Step]]) -> bool:
    """Tell whether a call in what was refused fits several functions."""
    return any(sqlstate(failure.error) == AMBIGUOUS_FUNCTION for failure in failures)


def arrangements(
    steps: Sequence[Step], routine_of: Callable[[Step], Routine | None]
) -> Iterator[Arrangement[Step]]:
    """Yield steps in two parts, with some of the functions of each name in the second.

    First all but one of a name are, then one alone: a call may fit two of three functions.

    Args:
        steps: The steps; where no two of them create functions of a name, nothing is yielded.
        routine_of: Returns the function or procedure that a step creates, or None.
    """
    named: dict[tuple[str, str], list[Step]] = defaultdict(list)
    for step in steps:
        if (routine := routine_of(step)) is not None:
            named[routine.schema, routine.name].append(step)
    groups = [of for of in named.values() if len(of) > 1]
    longest = max(map(len, groups), default=0)
    for is_first in (True, False) if longest > 2 else (True,):  # noqa: PLR2004 - of two it is the same
        for number in range(longest):
            chosen = [of[min(number, len(of) - 1)] for of in groups]
            later = [
                step
                for of in groups
                for step in of
                if any(step is each for each in chosen) != is_first
            ]
            yield [step for step in steps if not any(step is each for each in later)], later


def created_routine(operation: MigrateOperation) -> Routine | None:
    """Return the function or procedure that an operation creates, or None."""
    if isinstance(operation, CreateEntityOp) and isinstance(operation.target, Routine):
        return operation.target
    return None


def run_in_parts(
    connection: Connection,
    parts: Iterable[Sequence[Step]],
    run: Callable[[Step], None],
    waits: Waits[Step] = never,
) -> tuple[list[Step], list[Failure[Step]]]:
    """Run steps in any order within each part; what was refused is tried again with the next one.

    Args:
        connection: A connection within a transaction.
        parts: The steps.
        run: Runs a step.
        waits: Whether a step must not be tried yet, given the steps before it that were refused.

    Returns:
        The steps in the order in which they succeeded, and the others with their errors.
    """
    done: list[Step] = []
    failures: list[Failure[Step]] = []
    for part in parts:
        pending = [*(failure.step for failure in failures), *part]
        ran, failures = run_in_any_order(connection, pending, run, waits)
        done += ran
    return done, failures
