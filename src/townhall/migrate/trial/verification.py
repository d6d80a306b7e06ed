"""The trial itself: the upgrade, the comparison again, the downgrade, and what is left then.

It runs what was rendered, after all hooks of the application, on the database that was compared, in
a savepoint that is rolled back. A revision that would not run or not come back is not written.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.compare import _produce_net_changes
from alembic.operations import MigrateOperation
from alembic.operations.ops import MigrationScript, UpgradeOps
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from townhall.migrate.guard.rows import set_rows_aside
from townhall.migrate.operations.words import describe
from townhall.migrate.savepoints import DEADLOCK, LOCK_TIMEOUT, rolled_back, sqlstate
from townhall.migrate.trial.differences import lost
from townhall.migrate.trial.execution import trial_operations
from townhall.migrate.trial.rendered import Function, rendered
from townhall.migrate.write.revision import flat
from townhall.pg import catalog
from townhall.pg.catalog import Facts

_log = logging.getLogger(__name__)


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
    connection = context.connection
    assert connection is not None  # noqa: S101 - autogenerate has one
    revisions = [rendered(context, script) for script in scripts]
    with rolled_back(connection), trial_operations(context):
        set_rows_aside(connection, [*_operations(scripts)], schemas)
        before = _everything(connection, schemas)
        for revision in revisions:
            _run(revision.upgrade, "upgrade")
        _refuse_differences(context)
        for revision in reversed(revisions):
            _run(revision.downgrade, "downgrade")
        for loss in lost(before, _everything(connection, schemas)):
            _log.warning("The downgrade would not bring back what is there: %s", loss)


def _operations(scripts: Iterable[MigrationScript]) -> Iterable[MigrateOperation]:
    for script in scripts:
        for container in [*script.upgrade_ops_list, *script.downgrade_ops_list]:
            yield from flat(container)


def _everything(connection: Connection, schemas: Sequence[str]) -> dict[str, Facts]:
    with catalog.empty_search_path(connection):
        return catalog.read_everything(connection, schemas)


def _run(function: Function, direction: str) -> None:
    try:
        function.run()
    except DBAPIError as error:
        if sqlstate(error) in {LOCK_TIMEOUT, DEADLOCK}:
            raise
        raise _refusal(function, direction, error, str(error.orig).strip()) from error
    except Exception as error:
        raise _refusal(function, direction, error, str(error)) from error


def _refusal(function: Function, direction: str, error: Exception, reason: str) -> CommandError:
    step = function.failed_step(error.__traceback__)
    what = describe(step.operation) if step else "the revision"
    statement = f"\n{error.statement}" if isinstance(error, DBAPIError) else ""
    return CommandError(
        f"no revision is written, because its {direction} would not run: {what}: {reason}"
        f"{statement}"
    )


def _refuse_differences(context: MigrationContext) -> None:
    operations = UpgradeOps([])
    _produce_net_changes(AutogenContext(context), operations)
    left = [describe(operation) for operation in flat(operations)]
    if left:
        raise CommandError(
            "no revision is written, because after its upgrade there would still be differences: "
            + "; ".join(left)
        )
