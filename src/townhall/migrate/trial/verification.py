"""The trial itself: the upgrade, the comparison again, the downgrade, and what is left then.

It runs what was rendered, after all hooks of the application, on the database that was compared, in
a savepoint that is rolled back. A revision that would not run or not come back is not written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.compare import _produce_net_changes
from alembic.operations import MigrateOperation
from alembic.operations.ops import MigrationScript, OpContainer, UpgradeOps
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from townhall.migrate.contexts import connection_of
from townhall.migrate.faults import statement_of
from townhall.migrate.guard.rows import set_rows_aside
from townhall.migrate.operations.decisions import UndecidedOp
from townhall.migrate.operations.words import describe
from townhall.migrate.savepoints import attempt, rolled_back
from townhall.migrate.trial.differences import lost
from townhall.migrate.trial.execution import trial_operations
from townhall.migrate.trial.orders import orders
from townhall.migrate.trial.rendered import Function, rendered
from townhall.migrate.trial.repetition import can_fail_again, change_for_another_run
from townhall.migrate.write.revision import flat
from townhall.pg import catalog
from townhall.pg.catalog import Facts

Run = tuple[MigrationScript, Sequence[OpContainer]]
"""A revision, and its operations in one direction."""


def try_revisions(
    context: MigrationContext, scripts: Sequence[MigrationScript], schemas: Sequence[str]
) -> None:
    """Run revisions as they are going to be written, up and down, and roll back.

    Args:
        context: The context of the run, whose connection is within a transaction.
        scripts: The revisions, in the order in which they run.
        schemas: The schemas that are compared.

    Raises:
        CommandError: A revision would not run, would leave a difference, or would not bring back
            what was there; the message names the operation and the reason.
        DBAPIError: A lock was not granted in time.
    """
    connection = connection_of(context)
    with rolled_back(connection), trial_operations(context):
        set_rows_aside(connection, [*_operations(scripts)], schemas)
        before = _everything(connection, schemas)
        _run_all(context, [(script, script.upgrade_ops_list) for script in scripts], "upgrade")
        _refuse_differences(context)
        back = [(script, script.downgrade_ops_list) for script in reversed(scripts)]
        _run_all(context, back, "downgrade")
        _refuse_losses(before, _everything(connection, schemas))


def _operations(scripts: Iterable[MigrationScript]) -> Iterable[MigrateOperation]:
    for script in scripts:
        for container in [*script.upgrade_ops_list, *script.downgrade_ops_list]:
            yield from flat(container)


def _everything(connection: Connection, schemas: Sequence[str]) -> dict[str, Facts]:
    with catalog.empty_search_path(connection):
        return catalog.read_everything(connection, schemas)


def _run_all(context: MigrationContext, runs: Sequence[Run], direction: str) -> None:
    """Run all revisions in one direction, and change them so that they run over their result."""
    connection = connection_of(context)

    def run_once() -> None:
        for script, containers in runs:
            _run(context, script, containers, direction)

    written = [container for _, (container,) in runs]
    given = [[*container.ops] for container in written]
    with connection.begin_nested() as savepoint:
        run_once()
        if not _changed_for_another_run(context, runs):
            return
        savepoint.rollback()
    try:
        with connection.begin_nested():
            run_once()
    except CommandError:
        # What is dropped for a second run can't be dropped in the first.
        for container, operations in zip(written, given, strict=True):
            container.ops[:] = operations
        run_once()


def _changed_for_another_run(context: MigrationContext, runs: Sequence[Run]) -> bool:
    """Change revisions that have run so that they run again, if they do not and that is possible.

    Returns:
        Whether they were changed.
    """
    connection = connection_of(context)
    written = [container for _, (container,) in runs]
    given = [[*container.ops] for container in written]
    operations = [*_decided(chain.from_iterable(given))]
    attempts = len(operations) if can_fail_again(connection, operations) else 0
    for number in range(attempts):
        refused = _refused_again(context, runs)
        if refused is None:
            return number > 0
        if not change_for_another_run(connection, written, *refused):
            break
    for container, unchanged in zip(written, given, strict=True):
        container.ops[:] = unchanged
    return False


def _refused_again(
    context: MigrationContext, runs: Sequence[Run]
) -> tuple[MigrateOperation, DBAPIError] | None:
    """Return the operation that PostgreSQL refuses over the result of the revisions, or None."""
    connection = connection_of(context)
    with rolled_back(connection):
        for script, (written,) in runs:
            function = rendered(context, script, OpContainer([*_decided(written.ops)]))
            if (error := attempt(connection, function.run)) is not None:
                step = function.failed_step(error.__traceback__)
                assert step is not None  # noqa: S101 - it is a statement of the function
                return step.operation, error
    return None


def _run(
    context: MigrationContext,
    script: MigrationScript,
    containers: Sequence[OpContainer],
    direction: str,
) -> None:
    connection = connection_of(context)
    (written,) = containers
    undecided = [each for each in written.ops if isinstance(each, UndecidedOp)]
    container = OpContainer([*_decided(written.ops)])

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
        if container.ops == given:
            refusal = _refusal(function(), direction, error, str(error.orig).strip())
    assert refusal is not None  # noqa: S101 - at least one order was tried
    raise refusal


def _decided(operations: Iterable[MigrateOperation]) -> Iterable[MigrateOperation]:
    return (each for each in operations if not isinstance(each, UndecidedOp))


def _refusal(function: Function, direction: str, error: Exception, reason: str) -> CommandError:
    step = function.failed_step(error.__traceback__)
    what = describe(step.operation) if step else "the revision"
    statement = f"\n{statement_of(error)}" if isinstance(error, DBAPIError) else ""
    return CommandError(
        f"no revision is written, because its {direction} would not run: {what}: {reason}"
        f"{statement}"
    )


def _refuse_differences(context: MigrationContext) -> None:
    operations = UpgradeOps([])
    _produce_net_changes(AutogenContext(context), operations)
    # What needs a hand did not run.
    left = [describe(each) for each in flat(operations) if not isinstance(each, UndecidedOp)]
    if left:
        raise CommandError(
            "no revision is written, because after its upgrade there would still be differences: "
            + "; ".join(left)
        )


def _refuse_losses(before: dict[str, Facts], after: dict[str, Facts]) -> None:
    if losses := lost(before, after):
        raise CommandError(
            "no revision is written, because its downgrade would not bring back what is there: "
            + "; ".join(losses)
        )
