"""The order in which the operations of a revision run.

It is found by running them: what PostgreSQL refuses is tried again after the rest. Where it forbids
an operation while other objects depend on the changed one (the type of a column that a view uses,
the result of a function that a policy calls), those are dropped before and created again after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from alembic.operations import MigrateOperation
from alembic.operations.ops import CreateIndexOp, DropIndexOp
from sqlalchemy import Connection

from townhall.migrate.compare.decisions import Refusal
from townhall.migrate.compare.entities import Comparison
from townhall.migrate.compare.simulation import Failure, run_in_any_order
from townhall.migrate.compare.table_states import TableState, read_tables
from townhall.migrate.compare.tables import TableDifference
from townhall.migrate.guard.rows import set_rows_aside
from townhall.migrate.operations.constraints import AddCheckOp, AddDefinedOp, DropDefinedOp
from townhall.migrate.savepoints import attempt, rolled_back, run_script
from townhall.pg import CreateEntityOp, DropEntityOp, Entity, ReplaceEntityOp, Trigger, View
from townhall.pg.adapted import Adapted
from townhall.pg.catalog import dependants_of
from townhall.pg.state import Key, State, read_state

WHY_DROPPED = "It depends on what this revision drops."
WHY_RECREATED = "PostgreSQL forbids a later step while this depends on it: created again below."


def table_operations(
    connection: Connection, comparison: Comparison, schemas: Sequence[str]
) -> tuple[list[MigrateOperation], list[MigrateOperation]]:
    """Return the operations for tables that still differ: before entities change, and after.

    Where a function can't be replaced, the comparison drops it with the checks and indexes that
    call it. In the database these still exist, so they are dropped before the function and created
    again after it.

    Args:
        connection: A connection within a transaction.
        comparison: The comparison.
        schemas: The schemas that were compared.
    """
    first: list[MigrateOperation] = []
    last: list[MigrateOperation] = []
    tables = read_tables(connection, schemas) if comparison.tables else {}
    for difference in comparison.tables:
        actual = tables.get((difference.table.schema or "public", difference.table.name))
        for operation in difference.operations():
            drop = None if actual is None else _drop_of_dependant(operation, difference, actual)
            if drop is None:
                first.append(operation)
            else:
                first.append(drop)
                last.append(operation)
    return first, last


def _drop_of_dependant(
    operation: MigrateOperation,
    difference: TableDifference,
    actual: TableState,
) -> MigrateOperation | None:
    # What the database has and the comparison did not find any more, the comparison has dropped.
    table, compared = difference.table, difference.actual
    if isinstance(operation, AddCheckOp | AddDefinedOp):
        name = str(operation.constraint_name)
        if name in actual.constraints and name not in compared.constraints:
            return DropDefinedOp(AddDefinedOp(table, name, actual.constraints[name]))
    elif isinstance(operation, CreateIndexOp):
        name = str(operation.index_name)
        if name in actual.indexes and name not in compared.indexes:
            return DropIndexOp(name, table.name, schema=table.schema)
    return None


def ordered(
    connection: Connection,
    comparison: Comparison,
    operations: Sequence[MigrateOperation],
    schemas: Sequence[str],
    invoke: Callable[[MigrateOperation], None],
) -> tuple[list[MigrateOperation], list[Refusal]]:
    """Return operations in an order in which they run, with the recreations that they need.

    Args:
        connection: A connection within a transaction; it is left as it was.
        comparison: The comparison.
        operations: Drops, operations on tables and creations, in the order to try.
        schemas: The schemas that were compared.
        invoke: Runs an operation.

    Returns:
        The operations, without those that PostgreSQL refuses in every order, and these.
    """
    recreated = _triggers_of_dropped_views(operations, comparison)
    lost: set[Key] = set()
    while True:
        steps = _with_recreations(operations, comparison, recreated, lost)
        with rolled_back(connection):
            set_rows_aside(connection, steps, schemas)
            done, failures = run_in_any_order(
                connection, steps, invoke, _waiting(comparison, recreated)
            )
            blocking = _blocking(connection, failures, schemas) - recreated if failures else set()
        if not failures:
            return done, []
        blocking &= {*comparison.keys.values(), *comparison.left_alone}
        lost_now = _not_recreatable(failures, comparison, recreated) if not blocking else set()
        if not (blocking or lost_now):
            return done, [Refusal.of(failure.step, failure.error) for failure in failures]
        recreated |= blocking
        lost |= lost_now


def _not_recreatable(
    failures: Iterable[Failure[MigrateOperation]], comparison: Comparison, recreated: set[Key]
) -> set[Key]:
    # What nobody declared and depends on what is dropped goes as well, until the downgrade.
    keys = recreated & comparison.left_alone
    return {
        step.target.key
        for step in (failure.step for failure in failures)
        if isinstance(step, CreateEntityOp) and step.target.key in keys
    }


def _triggers_of_dropped_views(
    operations: Iterable[MigrateOperation], comparison: Comparison
) -> set[Key]:
    # They block nothing: PostgreSQL drops them with their view, without an error.
    views = {
        operation.target.name_parts
        for operation in operations
        if isinstance(operation, DropEntityOp) and isinstance(operation.target, View)
    }
    return {
        key
        for key in comparison.keys.values()
        if isinstance(trigger := comparison.actual.get(key), Trigger)
        and (trigger.schema, trigger.table) in views
    }


def _waiting(
    comparison: Comparison, recreated: set[Key]
) -> Callable[[MigrateOperation, Sequence[MigrateOperation]], bool]:
    def waits(step: MigrateOperation, refused: Sequence[MigrateOperation]) -> bool:
        if not isinstance(step, CreateEntityOp):
            return False
        key = comparison.keys.get(step.target.key, step.target.key)
        if key in recreated:
            # It was dropped for the sake of the others, so it is created after them.
            return any(not isinstance(other, CreateEntityOp | ReplaceEntityOp) for other in refused)
        # An entity that is dropped and created must be dropped first.
        return any(isinstance(other, DropEntityOp) and other.target.key == key for other in refused)

    return waits


def _with_recreations(
    operations: Sequence[MigrateOperation],
    comparison: Comparison,
    recreated: set[Key],
    lost: set[Key],
) -> list[MigrateOperation]:
    actual = comparison.actual
    drops = [
        DropEntityOp(actual[key], why=WHY_DROPPED if key in lost else WHY_RECREATED)
        for key in sorted(recreated)
        if key in actual
    ]
    creations = [
        # A new entity is only created late: created at once, it would depend on what is dropped.
        CreateEntityOp(comparison.recreation(step))
        for step in comparison.done
        if isinstance(step, Entity) and comparison.keys[step.key] in recreated
    ]
    creations += [
        CreateEntityOp(actual[key]) for key in sorted((recreated & comparison.left_alone) - lost)
    ]
    others = [each for each in operations if not _is_for(each, comparison, recreated)]
    return [*drops, *others, *creations]


def _is_for(operation: MigrateOperation, comparison: Comparison, keys: set[Key]) -> bool:
    if isinstance(operation, ReplaceEntityOp | CreateEntityOp):
        return comparison.keys.get(operation.target.key) in keys
    return isinstance(operation, DropEntityOp) and operation.target.key in keys


def _blocking(
    connection: Connection, failures: Iterable[Failure[MigrateOperation]], schemas: Sequence[str]
) -> set[Key]:
    state = read_state(connection, schemas)
    keys: set[Key] = set()
    for failure in failures:
        if isinstance(failure.step, DropEntityOp):
            keys |= _dropped_with(connection, failure.step, state, schemas)
        elif isinstance(failure.step, ReplaceEntityOp) and isinstance(failure.step.target, Adapted):
            # alembic-utils may drop the object to replace it.
            keys |= _dropped_with(connection, failure.step.reverse(), state, schemas)
        elif (table := getattr(failure.step, "table_name", None)) is not None:
            schema = getattr(failure.step, "schema", None) or "public"
            keys |= _dependants(connection, (schema, table), state, schemas)
    return keys


def _dropped_with(
    connection: Connection,
    drop: DropEntityOp | ReplaceEntityOp,
    state: State,
    schemas: Sequence[str],
) -> set[Key]:
    with rolled_back(connection):
        cascade = (f"{statement} cascade" for statement in drop.target.drop_statements())
        if attempt(connection, lambda: run_script(connection, cascade)) is not None:
            return set()
        remaining = read_state(connection, schemas)
    return state.keys() - remaining.keys() - {drop.target.key}


def _dependants(
    connection: Connection, table: tuple[str, str], state: State, schemas: Sequence[str]
) -> set[Key]:
    keys = state.keys() & dependants_of(connection, *table)
    for key in list(keys):
        keys |= _dropped_with(connection, DropEntityOp(state[key]), state, schemas)
    return keys
