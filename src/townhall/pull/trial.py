"""The trial of the first revision, which finds an order in which PostgreSQL runs its steps."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from townhall.migrate.compare.simulation import Failure
from townhall.migrate.savepoints import attempt, run_script
from townhall.pull.steps import Step


def in_order(
    connection: Connection, steps: Sequence[Step]
) -> tuple[Sequence[Step], Sequence[Failure[Step]]]:
    """Run steps, and return them in an order in which they run, and those that were refused.

    All of them are run in one round trip, then each half of what PostgreSQL refuses. What remains
    is tried again behind the others, as long as one more of its steps runs.

    Args:
        connection: A connection within a transaction.
        steps: The steps, in the order to try.
    """
    done: list[Step] = []
    pending = steps
    while True:
        run, failures = _in_halves(connection, pending)
        done += run
        if not run or not failures:
            return done, failures
        pending = [failure.step for failure in failures]


def _in_halves(
    connection: Connection, steps: Sequence[Step]
) -> tuple[Sequence[Step], Sequence[Failure[Step]]]:
    statements = [statement for step in steps for statement in step.statements]
    error = attempt(connection, lambda: run_script(connection, statements))
    if error is None:
        return steps, []
    if len(steps) == 1:
        return [], [Failure(steps[0], error)]
    middle = len(steps) // 2
    done, failures = _in_halves(connection, steps[:middle])
    more, others = _in_halves(connection, steps[middle:])
    return [*done, *more], [*failures, *others]
