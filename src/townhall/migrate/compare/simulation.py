"""Running steps in an order that PostgreSQL accepts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from townhall.migrate.operations.bodies import UNCHECKED
from townhall.migrate.savepoints import attempt, run_script

Step = TypeVar("Step")
Waits = Callable[[Step, Sequence[Step]], bool]
"""Whether a step must not be tried yet, given the steps before it that were refused."""


def never(_step: object, _refused: Sequence[object]) -> bool:
    """Tell that no step waits."""
    return False


@dataclass(frozen=True)
class Failure(Generic[Step]):
    """A step that PostgreSQL refused.

    Attributes:
        step: The step.
        error: The error.
        is_of_body: Whether it is a function that could only be created without a check of its body.
    """

    step: Step
    error: DBAPIError
    is_of_body: bool = False

    @property
    def message(self) -> str:
        """PostgreSQL's message, with its detail, hint and position."""
        return str(self.error.orig).strip()


def run_in_any_order(
    connection: Connection,
    steps: Sequence[Step],
    run: Callable[[Step], None],
    waits: Waits[Step] = never,
) -> tuple[list[Step], list[Failure[Step]]]:
    """Run steps that may depend on each other, and return an order in which they run.

    A step that fails is tried again after the others, as long as a round runs at least one more
    step: dependencies are PostgreSQL's, and not guessed from text. Where no order works, the bodies
    of functions are not checked any more, so that one can be created before the tables it reads.

    Args:
        connection: A connection within a transaction.
        steps: The steps, in the order to try.
        run: Runs a step.
        waits: Whether a step must not be tried yet, given the steps before it that were refused.

    Returns:
        The steps in the order in which they succeeded, and the others with their errors.
    """
    done: list[Step] = []
    pending = list(steps)
    is_checked = True
    while pending:
        failures: list[Failure[Step]] = []
        waiting: list[Step] = []
        for step in pending:
            if waits(step, [failure.step for failure in failures]):
                waiting.append(step)
                continue
            error = attempt(connection, lambda step=step: run(step))  # type: ignore[misc] # bound now
            if error is None:
                done.append(step)
            else:
                failures.append(Failure(step, error))
        if len(failures) + len(waiting) == len(pending):
            if not is_checked:
                return done, failures
            run_script(connection, [UNCHECKED])
            is_checked = False
        pending = [*(failure.step for failure in failures), *waiting]
    return done, []
