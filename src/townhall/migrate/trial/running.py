"""Running revisions as they are written, in an order that PostgreSQL accepts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from alembic.operations import MigrateOperation
from alembic.operations.ops import MigrationScript, OpContainer
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from townhall.migrate.contexts import connection_of
from townhall.migrate.faults import reason_of, statement_of
from townhall.migrate.operations.bodies import UncheckedBodiesOp
from townhall.migrate.operations.decisions import UndecidedOp
from townhall.migrate.operations.words import describe
from townhall.migrate.savepoints import attempt
from townhall.migrate.trial.orders import orders
from townhall.migrate.trial.rendered import Function, rendered
from townhall.printing import abridged

Direction = Literal["upgrade", "downgrade"]

Run = tuple[MigrationScript, OpContainer]
"""A revision, and its operations in one direction."""


def run_each(context: MigrationContext, runs: Iterable[Run], direction: Direction) -> None:
    """Run revisions, whose operations are brought into an order that works.

    Args:
        context: The context of the run, whose connection is within a transaction.
        runs: The revisions.
        direction: The direction of their operations.

    Raises:
        CommandError: A revision would not run; the message names the operation and the reason.
        DBAPIError: A lock was not granted in time.
    """
    for script, written in runs:
        _run(context, script, written, direction)


def _run(
    context: MigrationContext,
    script: MigrationScript,
    written: OpContainer,
    direction: Direction,
) -> None:
    connection = connection_of(context)
    undecided = [each for each in written.ops if isinstance(each, UndecidedOp)]
    container = OpContainer([*decided(written.ops)])

    def function() -> Function:
        return rendered(context, script, container)

    def run_alone(operation: MigrateOperation) -> None:
        rendered(context, script, OpContainer([operation])).run()

    given = container.ops
    refusal: CommandError | None = None
    is_way_back = direction == "downgrade"
    for order in orders(connection, OpContainer(given), run_alone, is_way_back=is_way_back):
        container.ops = [*order]
        try:
            error = attempt(connection, function().run)
        except DBAPIError:
            raise
        except Exception as failure:
            raise _refusal(function(), direction, failure, str(failure)) from failure
        if error is None:
            written.ops = (
                [*undecided, *container.ops] if is_way_back else [*container.ops, *undecided]
            )
            return
        # Where the bodies of functions are not checked, what else is wrong is found.
        if [each for each in order if not isinstance(each, UncheckedBodiesOp)] == given:
            refusal = _refusal(function(), direction, error, reason_of(error))
    assert refusal is not None  # noqa: S101 - at least one order was tried
    raise refusal


def decided(operations: Iterable[MigrateOperation]) -> Iterator[MigrateOperation]:
    """Yield the operations that run: those that need no hand.

    Args:
        operations: Any operations.
    """
    return (each for each in operations if not isinstance(each, UndecidedOp))


def _refusal(function: Function, direction: str, error: Exception, reason: str) -> CommandError:
    step = function.failed_step(error.__traceback__)
    what = abridged(describe(step.operation)) if step else "the revision"
    statement = f". At: {abridged(statement_of(error))}" if isinstance(error, DBAPIError) else ""
    return CommandError(
        f"no revision is written, because its {direction} would not run: {what}: {reason}"
        f"{statement}"
    )
