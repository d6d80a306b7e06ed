"""Revisions that run over their own result.

What a revision creates may use what an earlier step drops or changes, so PostgreSQL may refuse that
step in a second run. What is refused is left out there, where the result of the revision is found.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise

from alembic.operations import MigrateOperation
from alembic.operations.ops import OpContainer
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from townhall.migrate.contexts import connection_of
from townhall.migrate.operations.live import NotedOp
from townhall.migrate.operations.words import describe
from townhall.migrate.savepoints import attempt, rolled_back
from townhall.migrate.trial.differences import everything, lost
from townhall.migrate.trial.leaving_out import can_fail_again, change_between, without_steps
from townhall.migrate.trial.rendered import rendered
from townhall.migrate.trial.running import Direction, Run, decided, run_each
from townhall.pg import catalog
from townhall.pg.catalog import Trace

_log = logging.getLogger(__name__)


def run_repeatable(
    context: MigrationContext, runs: Sequence[Run], direction: Direction, schemas: Sequence[str]
) -> None:
    """Run all revisions in one direction, and change them so that they run over their result.

    Args:
        context: The context of the run, whose connection is within a transaction.
        runs: The revisions.
        direction: The direction of their operations.
        schemas: The schemas that are compared.

    Raises:
        CommandError: A revision would not run; the message names the operation and the reason.
        DBAPIError: A lock was not granted in time.
    """
    connection = connection_of(context)
    with connection.begin_nested() as savepoint:
        run_each(context, runs, direction)
        refused = _refused_again(context, runs)
        if not refused:
            return
        result = catalog.read_traces(connection)
        savepoint.rollback()
    written = [container for _, container in runs]
    given = [[*container.ops] for container in written]
    states = _states_around_each(context, runs, direction)
    for left_out in ({*refused}, {*chain.from_iterable(given)}):
        for container, operations, (before, after) in zip(written, given, states, strict=True):
            change = change_between(before, after, result)
            if any(change) and not left_out.isdisjoint(operations):
                container.ops[:] = without_steps(operations, left_out, change)
        if _run_twice(context, runs, direction, schemas):
            return
    for container, operations in zip(written, given, strict=True):
        container.ops[:] = [_noted(each, refused.get(each)) for each in operations]
    run_each(context, runs, direction)


def _refused_again(
    context: MigrationContext, runs: Sequence[Run]
) -> dict[MigrateOperation, DBAPIError]:
    """Return the operations that PostgreSQL refuses over the result of the revisions."""
    connection = connection_of(context)
    operations = [each for _, written in runs for each in decided(written.ops)]
    if not can_fail_again(connection, operations):
        return {}
    refused: dict[MigrateOperation, DBAPIError] = {}
    with rolled_back(connection):
        for script, written in runs:
            steps = [*decided(written.ops)]
            if attempt(connection, rendered(context, script, OpContainer(steps)).run) is None:
                continue
            for step in steps:
                function = rendered(context, script, OpContainer([step]))
                if (error := attempt(connection, function.run)) is not None:
                    refused[step] = error
    return refused


def _states_around_each(
    context: MigrationContext, runs: Iterable[Run], direction: Direction
) -> Sequence[tuple[set[Trace], set[Trace]]]:
    """Return what can be told before each revision and after it."""
    connection = connection_of(context)
    with rolled_back(connection):
        states = [catalog.read_traces(connection)]
        for run in runs:
            run_each(context, [run], direction)
            states.append(catalog.read_traces(connection))
    return [*pairwise(states)]


def _run_twice(
    context: MigrationContext, runs: Sequence[Run], direction: Direction, schemas: Sequence[str]
) -> bool:
    """Run revisions, unless they can't run over their result or do not leave it as it is."""
    savepoint = connection_of(context).begin_nested()
    try:
        run_each(context, runs, direction)
        can_repeat = _change_nothing_again(context, runs, schemas)
    except CommandError:
        can_repeat = False
    if can_repeat:
        savepoint.commit()
    else:
        savepoint.rollback()
    return can_repeat


def _change_nothing_again(
    context: MigrationContext, runs: Iterable[Run], schemas: Sequence[str]
) -> bool:
    connection = connection_of(context)
    result = everything(connection, schemas)
    with rolled_back(connection):
        for script, written in runs:
            function = rendered(context, script, OpContainer([*decided(written.ops)]))
            if attempt(connection, function.run) is not None:
                return False
        return not lost(result, everything(connection, schemas))


def _noted(operation: MigrateOperation, error: DBAPIError | None) -> MigrateOperation:
    """Return an operation with a comment if it was refused in a second run, which is logged."""
    if error is None:
        return operation
    step, reason = " ".join(describe(operation).split()), str(error.orig).split("\n", 1)[0]
    _log.warning("This revision can't run over its own result: %s: %s", step, reason)
    return NotedOp(operation, f"Refused in a second run over its own result: {reason}")
