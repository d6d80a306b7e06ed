"""The order in which the operations of a revision run.

It is found by running them: what PostgreSQL refuses is tried again after the rest. Where it forbids
an operation while other objects depend on the changed one (the type of a column that a view uses,
the result of a function that a policy calls), those are dropped before and created again after.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import cast

from alembic.operations import MigrateOperation
from alembic.operations.ops import (
    AddColumnOp,
    AddConstraintOp,
    CreateIndexOp,
    CreateTableOp,
    DropConstraintOp,
    DropIndexOp,
    DropTableOp,
)
from sqlalchemy import Connection

from townhall.migrate.compare.cycles import created_tables, drops_keys, refers_to_key
from townhall.migrate.compare.decisions import Refusal
from townhall.migrate.compare.dependants import (
    changed_parts_of_domain,
    column_of,
    default_of,
    drops_default,
    holding_keys,
    target_of,
    target_of_entity,
    without_default,
    without_parts_of_domain,
)
from townhall.migrate.compare.entities import Comparison
from townhall.migrate.compare.freed_types import has_former_type
from townhall.migrate.compare.overloads import (
    arrangements,
    created_routine,
    is_ambiguous,
    run_in_parts,
)
from townhall.migrate.compare.simulation import Failure, Waits, run_in_any_order
from townhall.migrate.compare.table_states import TableState, read_tables
from townhall.migrate.compare.tables import TableDifference
from townhall.migrate.compare.view_cycles import with_placeholders
from townhall.migrate.guard.rows import set_rows_aside
from townhall.migrate.operations.alterations import AlterEntityOp
from townhall.migrate.operations.columns import ChangeColumnOp
from townhall.migrate.operations.comments import CommentOp
from townhall.migrate.operations.constraints import (
    AddCheckOp,
    AddDefinedOp,
    DropDefinedOp,
    RenameConstraintOp,
)
from townhall.migrate.operations.expressions import DropExpressionOp
from townhall.migrate.operations.parts import (
    WHY_DROPPED,
    WHY_RECREATED,
    CreatePartOp,
    DropPartOp,
    SetUpPartOp,
    dropped_part,
    renamed_part,
)
from townhall.migrate.operations.table_names import OnTable, name_of, table_of
from townhall.migrate.savepoints import DEPENDENT_OBJECTS, attempt, rolled_back, sqlstate
from townhall.pg import (
    CompositeType,
    CreateEntityOp,
    Domain,
    DropEntityOp,
    Entity,
    MaterializedView,
    ReplaceEntityOp,
    Routine,
    Trigger,
    View,
    sql,
)
from townhall.pg.adapted import Adapted
from townhall.pg.catalog import (
    MEMBER_OF_FAMILY,
    Dependants,
    Part,
    TableName,
    Target,
    read_dependants,
    set_search_path,
)
from townhall.pg.state import Key


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
        actual = tables.get(name_of(difference.table))
        for operation in difference.operations(connection):
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
    known = {*comparison.keys.values(), *comparison.left_alone}
    # What is in a column goes with it without an error, so it is dropped before.
    gone = read_dependants(connection, comparison.regenerated)
    recreated = _triggers_of_dropped_views(operations, comparison) | (gone.entities & known)
    lost: set[Key] = set()
    parts = {each.identity: each for each in _of_kept_tables(gone.parts, operations)}
    parts |= {each.identity: each for each in _gone_with_recreated(connection, operations)}
    going = {default_of(each) for each in operations if drops_default(each)}
    former = dict(filter(None, map(renamed_part, operations)))
    while True:
        steps = with_placeholders(
            connection,
            _with_recreations(operations, comparison, recreated, lost, parts.values()),
        )
        with rolled_back(connection):
            set_rows_aside(connection, steps, schemas)
            waits = _waiting(comparison, recreated, created_tables(operations))
            done, failures = _run(connection, steps, invoke, waits)
            blocking = _blocking(connection, failures, comparison)
        if not failures:
            return done, []
        # What was changed in the trial comes back as it was before.
        before = {each.identity: each for each in _blocking(connection, failures, comparison).parts}
        overloads = _overloads_of_calls(failures, comparison)
        views = _views_of_defaults(blocking.parts, operations, comparison)
        entities = ((blocking.entities & known) | overloads | {*views.values()}) - recreated
        new_parts = {
            name: before.get(name, each)
            for each in _of_kept_tables(blocking.parts, operations)
            if (name := former.get(each.identity, each.identity)) not in parts and name not in views
        }
        # A default that goes is dropped by its own operation, and before others only where
        # nothing else in the way can be dropped.
        if entities or new_parts.keys() - going:
            new_parts = {name: each for name, each in new_parts.items() if name not in going}
        has_progress = bool(entities or new_parts)
        lost_now = set() if has_progress else _not_recreatable(failures, comparison, recreated)
        if not (has_progress or lost_now):
            # A column that was dropped is not there before what waits for the others.
            own = [each for each in failures if column_of(each.step) not in parts] or failures
            remaining = _without([failure.step for failure in own], operations)
            refusals = [Refusal.of(failure.step, failure.error) for failure in own]
            if len(remaining) == len(operations):
                return done, refusals
            # Nothing is dropped for the sake of what is not done.
            rest, more = ordered(connection, comparison, remaining, schemas, invoke)
            return rest, [*refusals, *more]
        recreated |= entities
        parts |= new_parts
        lost |= lost_now


def _run(
    connection: Connection,
    steps: Sequence[MigrateOperation],
    invoke: Callable[[MigrateOperation], None],
    waits: Waits[MigrateOperation],
) -> tuple[list[MigrateOperation], list[Failure[MigrateOperation]]]:
    savepoint = connection.begin_nested()
    done, failures = run_in_any_order(connection, steps, invoke, waits)
    if is_ambiguous(failures):
        for parts in arrangements(steps, created_routine):
            savepoint.rollback()
            savepoint = connection.begin_nested()
            done, failures = run_in_parts(connection, parts, invoke, waits)
            if not is_ambiguous(failures):
                break
    savepoint.commit()
    return done, [_naming_schemas(connection, each, invoke) for each in failures]


def _naming_schemas(
    connection: Connection,
    failure: Failure[MigrateOperation],
    invoke: Callable[[MigrateOperation], None],
) -> Failure[MigrateOperation]:
    """Return a failure whose message names the schemas of what depends on what is dropped.

    PostgreSQL leaves out those on the search path, on which may be one of the platform.
    """
    if sqlstate(failure.error) != DEPENDENT_OBJECTS:
        return failure
    with rolled_back(connection):
        set_search_path(connection, "public")
        error = attempt(connection, lambda: invoke(failure.step))
    if error is None or sqlstate(error) != DEPENDENT_OBJECTS:
        return failure
    return replace(failure, error=error)


def _overloads_of_calls(
    failures: Sequence[Failure[MigrateOperation]], comparison: Comparison
) -> set[Key]:
    # While several functions that a call fits stay, nothing that calls one can be created.
    messages = [failure.message for failure in failures if is_ambiguous([failure])]
    return {
        key
        for key in {*comparison.keys.values()} & comparison.actual.keys()
        if isinstance(each := comparison.actual[key], Routine)
        and any(f"{each.name}(" in message for message in messages)
    }


def _views_of_defaults(
    parts: Iterable[Part], operations: Iterable[MigrateOperation], comparison: Comparison
) -> dict[str, Key]:
    # The default of a view that changes would be set to what it was after that, and that of a new
    # one can't be set before the view comes back.
    changed = {
        f" on {each.target.literal_name}": comparison.keys[each.target.key]
        for each in operations
        if isinstance(each, CreateEntityOp | ReplaceEntityOp)
        and isinstance(each.target, View)
        and each.target.key in comparison.keys
    }
    return {
        part.identity: key
        for part in parts
        for end, key in changed.items()
        if part.kind == "default" and part.identity.endswith(end)
    }


def _gone_with_recreated(
    connection: Connection, operations: Iterable[MigrateOperation]
) -> Iterable[Part]:
    # The members of an operator family go with a type or a function without an error.
    entities = [each for each in operations if isinstance(each, CreateEntityOp | DropEntityOp)]
    created = {each.target.key for each in entities if isinstance(each, CreateEntityOp)}
    targets = [
        target_of_entity(each.target)
        for each in entities
        if isinstance(each, DropEntityOp) and each.target.key in created
    ]
    found = read_dependants(connection, [each for each in targets if each is not None])
    return (each for each in found.parts if each.kind == MEMBER_OF_FAMILY)


def _of_kept_tables(
    parts: Iterable[Part], operations: Iterable[MigrateOperation]
) -> Iterable[Part]:
    # What belongs to a table that is dropped goes and comes back with it.
    dropped = tuple(
        f" {sql.qualified(each.schema or 'public', each.table_name)}"
        for each in operations
        if isinstance(each, DropTableOp)
    )
    return (each for each in parts if not each.identity.endswith(dropped))


def _without(
    refused: Sequence[MigrateOperation], operations: Sequence[MigrateOperation]
) -> list[MigrateOperation]:
    keys = {step.target.key for step in refused if isinstance(step, DropEntityOp | ReplaceEntityOp)}
    changes = {*map(_change, refused)} - {None}
    return [
        each
        for each in operations
        if each not in refused
        and not (isinstance(each, CreateEntityOp | DropEntityOp) and each.target.key in keys)
        and _change(each) not in changes
    ]


def _change(operation: MigrateOperation) -> tuple[object, ...] | None:
    # What was dropped before is changed by another operation than the one that was found.
    if isinstance(operation, ChangeColumnOp):
        return column_of(operation), operation.changes_type
    return operation.target.key if isinstance(operation, AlterEntityOp | ReplaceEntityOp) else None


def _not_recreatable(
    failures: Iterable[Failure[MigrateOperation]], comparison: Comparison, recreated: set[Key]
) -> set[Key]:
    # An undeclared object that depends on a dropped one is dropped too; the downgrade creates it.
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


_CREATIONS = (CommentOp, CreateEntityOp, CreatePartOp, RenameConstraintOp, ReplaceEntityOp)
_USED = (MaterializedView, Routine, View)
_MAY_USE = (AddColumnOp, AddConstraintOp, AddDefinedOp, CreateIndexOp, CreateTableOp)


def _waiting(
    comparison: Comparison, recreated: set[Key], created: Collection[TableName]
) -> Waits[MigrateOperation]:
    def waits(step: MigrateOperation, refused: Sequence[MigrateOperation]) -> bool:
        if isinstance(step, CreatePartOp):
            return any(
                not isinstance(other, _CREATIONS) and column_of(other) != step.part.identity
                for other in refused
            )
        if (refers_to_key(step) and drops_keys(refused, created)) or _is_too_early(step, refused):
            return True
        if _may_use(step) and any(drops_routine_or_view(other) for other in refused):
            # It would call the function, or have the row type of the view, that is dropped.
            return True
        if not isinstance(step, CreateEntityOp):
            return False
        key = comparison.keys.get(step.target.key, step.target.key)
        if key in recreated:
            # It was dropped for the sake of the others, so it is created after them, but for those
            # that may use it.
            return any(
                not isinstance(other, _CREATIONS)
                and not (isinstance(step.target, _USED) and _only_uses(other))
                for other in refused
            )
        # An entity that is dropped and created must be dropped first, and so must an overload,
        # because a call may fit both.
        return any(
            isinstance(other, DropEntityOp)
            and (other.target.key == key or _are_overloads(other.target, step.target))
            for other in refused
        )

    return waits


def _is_too_early(step: MigrateOperation, refused: Sequence[MigrateOperation]) -> bool:
    return (
        _blocks_type(step, refused)
        or _is_before_its_drops(step, refused)
        or _goes_with_column(step, refused)
    )


def _goes_with_column(step: MigrateOperation, refused: Iterable[MigrateOperation]) -> bool:
    # A column that is dropped and created again comes back without what was done to it before.
    parts = [other.part for other in refused if isinstance(other, DropPartOp)]
    if isinstance(step, AddCheckOp | AddDefinedOp | CreateIndexOp):
        return _is_on_one_of(step, _tables_losing_columns(parts))
    return column_of(step) in {part.identity for part in parts}


def _tables_losing_columns(parts: Iterable[Part]) -> set[str | None]:
    return {each.table_read for each in parts if each.kind == "generated column"}


def _is_on_one_of(operation: MigrateOperation, tables: Collection[str | None]) -> bool:
    return sql.qualified(*table_of(cast("OnTable", operation))) in tables


def _blocks_type(step: MigrateOperation, refused: Sequence[MigrateOperation]) -> bool:
    # The type of a column from which another one is generated can't be altered, and what is added
    # before it is altered has to do with the former type.
    if has_former_type(step, refused):
        return True
    is_generated = isinstance(step, AddColumnOp) and step.column.computed is not None
    return (is_generated or isinstance(step, AddCheckOp | AddDefinedOp | CreateIndexOp)) and any(
        isinstance(other, ChangeColumnOp)
        and other.changes_type
        and table_of(other) == table_of(cast("OnTable", step))
        for other in refused
    )


def _is_before_its_drops(step: MigrateOperation, refused: Iterable[MigrateOperation]) -> bool:
    follows = isinstance(step, DropExpressionOp) and step.is_after_drops
    return follows and any(isinstance(other, DropTableOp) for other in refused)


def _may_use(operation: MigrateOperation) -> bool:
    sets_default = default_of(operation) is not None and not drops_default(operation)
    return isinstance(operation, _MAY_USE) or sets_default or _creates_or_alters_type(operation)


def _only_uses(operation: MigrateOperation) -> bool:
    # A function or a view may be in the way of a change of a type.
    changes_type = isinstance(operation, ChangeColumnOp) and operation.changes_type
    alters_type = isinstance(operation, AlterEntityOp) and isinstance(
        operation.target, CompositeType
    )
    return _may_use(operation) and not (changes_type or alters_type)


def _creates_or_alters_type(operation: MigrateOperation) -> bool:
    # Its default and its checks may call functions, and its attributes have types of rows.
    return isinstance(operation, AlterEntityOp | CreateEntityOp) and isinstance(
        operation.target, CompositeType | Domain
    )


def drops_routine_or_view(operation: MigrateOperation) -> bool:
    """Tell whether an operation drops what a part of a table or a type can use."""
    return isinstance(operation, DropEntityOp) and isinstance(operation.target, _USED)


def _are_overloads(one: Entity, other: Entity) -> bool:
    return (
        isinstance(one, Routine)
        and isinstance(other, Routine)
        and (one.schema, one.name) == (other.schema, other.name)
    )


def _with_recreations(
    operations: Sequence[MigrateOperation],
    comparison: Comparison,
    recreated: set[Key],
    lost: set[Key],
    parts: Collection[Part],
) -> list[MigrateOperation]:
    actual = comparison.actual
    dropped = {part.identity for part in parts}
    kept = dropped - {part.identity for part in comparison.missing} - comparison.added.keys()
    kept -= {dropped_part(each) for each in operations}
    kept -= {default_of(each) for each in operations}
    kept -= {part for each in operations for part in changed_parts_of_domain(each)}
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
    others = [
        without_parts_of_domain(each, dropped)
        for each in operations
        if not _is_for(each, comparison, recreated) and dropped_part(each) not in dropped
    ]
    # Expressions go first and so come back last, when all that reads their columns is as it was.
    expressions = [each for each in others if isinstance(each, DropExpressionOp)]
    # After a column they would be gone, or drop what was created again under the same name.
    losing = _tables_losing_columns(parts)
    of_columns = [
        each
        for each in others
        if isinstance(each, DropConstraintOp | DropIndexOp) and _is_on_one_of(each, losing)
    ]
    others = _after_drops_of_tables(
        [each for each in others if each not in expressions and each not in of_columns], expressions
    )
    return [
        *(each for each in expressions if not each.is_after_drops),
        *drops,
        *of_columns,
        *map(DropPartOp, parts),
        *_after_drops_of_routines(_with_defaults_dropped(others, dropped), dropped),
        *(
            SetUpPartOp(part)
            for part in parts
            if part.identity in comparison.added and part.settings
        ),
        *(CreatePartOp(part) for part in parts if part.identity in kept),
        *creations,
    ]


def _after_drops_of_tables(
    operations: Sequence[MigrateOperation], expressions: Iterable[DropExpressionOp]
) -> list[MigrateOperation]:
    later = [each for each in expressions if each.is_after_drops]
    drops = (at for at, each in enumerate(operations, 1) if isinstance(each, DropTableOp))
    end = max(drops, default=0)
    return [*operations[:end], *later, *operations[end:]]


def _with_defaults_dropped(
    operations: Iterable[MigrateOperation], dropped: Collection[str]
) -> Iterable[MigrateOperation]:
    for each in operations:
        change = without_default(each) if default_of(each) in dropped else each
        # A default that goes is gone already.
        if not isinstance(change, ChangeColumnOp) or change.changes:
            yield change


def _after_drops_of_routines(
    operations: Iterable[MigrateOperation], dropped: Collection[str]
) -> list[MigrateOperation]:
    # A default that is set again before would call the function that is going to be dropped.
    every = [*operations]
    waiting = [each for each in every if default_of(each) in dropped]
    others = [each for each in every if each not in waiting]
    last = max((at for at, each in enumerate(others, 1) if drops_routine_or_view(each)), default=0)
    return [*others[:last], *waiting, *others[last:]] if last else every


def _is_for(operation: MigrateOperation, comparison: Comparison, keys: set[Key]) -> bool:
    if isinstance(operation, AlterEntityOp | ReplaceEntityOp | CreateEntityOp):
        return comparison.keys.get(operation.target.key) in keys
    return isinstance(operation, DropEntityOp) and operation.target.key in keys


def _blocking(
    connection: Connection, failures: Iterable[Failure[MigrateOperation]], comparison: Comparison
) -> Dependants:
    targets = [_target(failure, comparison) for failure in failures]
    return read_dependants(connection, [target for target in targets if target is not None])


def _target(failure: Failure[MigrateOperation], comparison: Comparison) -> Target | None:
    step = failure.step
    if isinstance(step, ReplaceEntityOp) and isinstance(step.target, Adapted):
        # alembic-utils may drop the object to replace it.
        actual = comparison.actual.get(comparison.keys[step.target.key])
        return None if actual is None else target_of_entity(actual)
    target = target_of(step)
    return None if target is None else holding_keys(target, failure.error)
