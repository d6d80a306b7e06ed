"""The trial itself: the upgrade, the comparison again, the downgrade, and what is left then.

It runs what was rendered, after all hooks of the application, on the database that was compared, in
a savepoint that is rolled back. A revision that would not run or not come back is not written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.compare import _produce_net_changes
from alembic.operations import MigrateOperation
from alembic.operations.ops import MigrationScript, UpgradeOps
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError

from townhall.migrate.contexts import connection_of
from townhall.migrate.guard.rows import set_rows_aside
from townhall.migrate.operations.alterations import AddValuesOp, adds_values
from townhall.migrate.operations.decisions import UndecidedOp
from townhall.migrate.operations.expressions import DropExpressionOp
from townhall.migrate.operations.words import describe
from townhall.migrate.savepoints import rolled_back
from townhall.migrate.settings import SETTINGS, Settings
from townhall.migrate.trial.differences import everything, lost
from townhall.migrate.trial.execution import trial_operations
from townhall.migrate.trial.new_values import replace_enums
from townhall.migrate.trial.queries import refuse_wrong_queries
from townhall.migrate.trial.repetition import run_repeatable
from townhall.migrate.write.revision import flat
from townhall.pg.catalog import Facts


def try_revisions(
    context: MigrationContext, scripts: Sequence[MigrationScript], schemas: Sequence[str]
) -> None:
    """Run revisions as they are going to be written, up and down, and roll back.

    Args:
        context: The context of the run, whose connection is within a transaction.
        scripts: The revisions, in the order in which they run.
        schemas: The schemas that are compared.

    Raises:
        CommandError: A revision would not run, would leave a difference, a function that fails, or
            would not bring back what was there; the message names the operation and the reason.
        DBAPIError: A lock was not granted in time.
    """
    connection = connection_of(context)
    with rolled_back(connection), trial_operations(context):
        operations = [*_operations(scripts)]
        set_rows_aside(connection, operations, schemas)
        values = [each for each in operations if isinstance(each, AddValuesOp)]
        if additions := [*filter(adds_values, values)]:
            settings: Settings = context.opts[SETTINGS]
            replace_enums(connection, additions, schemas, settings.roles.names)
        before = everything(connection, schemas)
        there = [(script, each) for script in scripts for each in script.upgrade_ops_list]
        run_repeatable(context, there, "upgrade", schemas)
        _refuse_differences(context, operations)
        created = (each for _, container in there for each in flat(container))
        refuse_wrong_queries(connection, created)
        back = [(each, way) for each in reversed(scripts) for way in each.downgrade_ops_list]
        run_repeatable(context, back, "downgrade", schemas)
        _refuse_losses(before, everything(connection, schemas))


def _operations(scripts: Iterable[MigrationScript]) -> Iterable[MigrateOperation]:
    for script in scripts:
        for container in [*script.upgrade_ops_list, *script.downgrade_ops_list]:
            yield from flat(container)


def _refuse_differences(context: MigrationContext, tried: Iterable[MigrateOperation]) -> None:
    operations = UpgradeOps([])
    _produce_net_changes(AutogenContext(context), operations)
    # What needs a hand did not run, and may need none once the rest has.
    by_hand = {each.difference for each in tried if isinstance(each, UndecidedOp)}
    left = [
        describe(each)
        for each in flat(operations)
        if not (
            isinstance(each, UndecidedOp)
            or (isinstance(each, DropExpressionOp) and each.difference in by_hand)
        )
    ]
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
