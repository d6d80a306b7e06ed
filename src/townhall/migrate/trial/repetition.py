"""Revisions that run over their own result.

What a revision creates may use what an earlier step drops or changes. A second run is refused
there, unless what was created goes before that step, to be created again where it is, or the step
knows that it is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from alembic.operations import MigrateOperation
from alembic.operations.ops import (
    AddColumnOp,
    AddConstraintOp,
    CreateIndexOp,
    CreateTableOp,
    DropColumnOp,
    DropConstraintOp,
    DropIndexOp,
    DropTableOp,
    OpContainer,
)
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from townhall.migrate.compare.dependants import default_of, target_of
from townhall.migrate.compare.overloads import AMBIGUOUS_FUNCTION, created_routine
from townhall.migrate.operations.columns import ChangeColumnOp
from townhall.migrate.operations.comments import CommentOp
from townhall.migrate.operations.constraints import AddDefinedOp
from townhall.migrate.operations.live import RewrittenOp
from townhall.migrate.operations.parts import CreatePartOp, DropPartOp
from townhall.migrate.operations.schemas import CreateSchemaOp, DropSchemaOp
from townhall.migrate.operations.statements import qualified_name
from townhall.migrate.operations.table_names import table_of
from townhall.migrate.savepoints import sqlstate
from townhall.pg import (
    CreateEntityOp,
    DropEntityOp,
    Entity,
    MaterializedView,
    Policy,
    Routine,
    Trigger,
    View,
    sql,
)
from townhall.pg.catalog import (
    Dependants,
    Part,
    Target,
    empty_search_path,
    read_dependants,
)
from townhall.pg.requirements import (
    Requirement,
    column_is_of_other_type,
    constraint_is_missing,
    guarded,
)

Operations = Sequence[MigrateOperation]

WHY_DROPPED = "In a second run it is there, and a later step is refused: created again below."

_ADDITIONS = (
    AddColumnOp,
    AddConstraintOp,
    AddDefinedOp,
    CommentOp,
    CreateEntityOp,
    CreateIndexOp,
    CreateSchemaOp,
    CreateTableOp,
)
_REMOVALS = (
    CommentOp,
    DropColumnOp,
    DropConstraintOp,
    DropEntityOp,
    DropIndexOp,
    DropPartOp,
    DropSchemaOp,
    DropTableOp,
)
_WITHOUT_ROWS = (View, MaterializedView, Routine, Policy, Trigger)


def can_fail_again(connection: Connection, operations: Iterable[MigrateOperation]) -> bool:
    """Tell whether operations that have run may be refused over their own result.

    Those that only add, or only remove, are not, unless they add a function beside another one of
    its name, and a call may fit both.

    Args:
        connection: A connection within a transaction, in which they have run.
        operations: The operations of all revisions in one direction.
    """
    steps = [*map(_unwrapped, operations)]
    if all(isinstance(each, _REMOVALS) for each in steps):
        return False
    if not all(isinstance(each, _ADDITIONS) for each in steps):
        return True
    routines = [routine for each in steps if (routine := created_routine(each))]
    return bool(routines) and _are_overloaded(connection, routines)


def _are_overloaded(connection: Connection, routines: Iterable[Routine]) -> bool:
    query = """
        select exists (
            select
            from pg_catalog.pg_proc as p
            join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
            join unnest(cast(:schemas as text[]), cast(:names as text[])) as r (schema, name)
                on r.schema = n.nspname and r.name = p.proname
            group by n.nspname, p.proname
            having count(distinct p.oid) > 1
        )
    """
    parts = [(each.schema, each.name) for each in routines]
    names = {"schemas": [schema for schema, _ in parts], "names": [name for _, name in parts]}
    return bool(connection.scalar(text(query), names))


def change_for_another_run(
    connection: Connection,
    containers: Sequence[OpContainer],
    refused: MigrateOperation,
    error: DBAPIError,
) -> bool:
    """Change operations that were refused over their own result, so that they are not there.

    Args:
        connection: A connection within a transaction, in which they have run once.
        containers: The operations of all revisions in one direction, which are changed.
        refused: The operation that was refused.
        error: PostgreSQL's error.

    Returns:
        Whether anything was changed.
    """
    container, number = _place(containers, refused)
    if (guarded_step := _unless_done(connection, _unwrapped(refused))) is not None:
        container.ops[number] = guarded_step
        return True
    operations = [each for container in containers for each in container.ops]
    place = next(index for index, each in enumerate(operations) if each is refused)
    earlier, later = operations[:place], operations[place:]
    found, overloads = _holding(connection, refused, later, error)
    entities = [
        entity
        for each in reversed(later)
        if (entity := _without_rows(each))
        and (entity in overloads or _key(connection, entity) in found.entities)
    ]
    drops = _drops(entities, found.parts, earlier)
    container.ops[number:number] = drops
    parts = [each.part for each in drops if isinstance(each, DropPartOp)]
    containers[-1].ops += [
        RewrittenOp(CreatePartOp(part), [part.drop, *part.create])
        for part in _lost(parts, operations)
    ]
    return bool(drops)


def _lost(parts: Iterable[Part], operations: Operations) -> Iterable[Part]:
    """Yield the dropped parts that no operation creates again in a second run."""
    created = {each.part.identity for each in operations if isinstance(each, CreatePartOp)}
    created |= {default for each in operations if (default := default_of(_unwrapped(each)))}
    tables = [table_of(each) for each in operations if isinstance(each, CreateTableOp)]
    on_created = tuple(f" {sql.qualified(*table)}" for table in tables)
    for part in parts:
        # A table or a column that exists does not get them again where it is created.
        is_within = part.kind == "default" or part.identity.endswith(on_created)
        if is_within and part.identity not in created:
            yield part


def _place(
    containers: Iterable[OpContainer], operation: MigrateOperation
) -> tuple[OpContainer, int]:
    return next(
        (container, number)
        for container in containers
        for number, each in enumerate(container.ops)
        if each is operation
    )


def _unwrapped(operation: MigrateOperation) -> MigrateOperation:
    while isinstance(operation, OpContainer) and len(operation.ops) == 1:
        (operation,) = operation.ops
    return operation


def _unless_done(connection: Connection, operation: MigrateOperation) -> RewrittenOp | None:
    """Return the operation as one that does nothing over its own result, where that is seen."""
    if isinstance(operation, ChangeColumnOp) and operation.changes_type:
        required = _has_other_type(connection, operation)
        return RewrittenOp(operation, [guarded(required, operation.statements)])
    if isinstance(operation, DropIndexOp):
        # A constraint of its name has come in its place.
        place, name = table_of(operation), str(operation.index_name)
        drop = f"drop index if exists {sql.qualified(place[0], name)}"
        required = constraint_is_missing(sql.qualified(*place), name)
        return RewrittenOp(operation, [guarded(required, [drop])])
    return None


def _has_other_type(connection: Connection, change: ChangeColumnOp) -> Requirement:
    table = qualified_name(change.owner)
    query = text(
        """
        select
            format_type(a.atttypid, null) as type,
            a.atttypmod as modifier,
            nullif(a.attcollation, 0)::regcollation::text as collation
        from pg_catalog.pg_attribute as a
        where a.attrelid = to_regclass(:table) and a.attname = :column
        """
    )
    names = {"table": table, "column": change.column_name}
    with empty_search_path(connection):
        row = connection.execute(query, names).one()
    return column_is_of_other_type(table, change.column_name, *row)


def _holding(
    connection: Connection, refused: MigrateOperation, later: Operations, error: DBAPIError
) -> tuple[Dependants, Sequence[Routine]]:
    """Return what depends on what an operation changes, and the functions that a call may fit."""
    if sqlstate(error) == AMBIGUOUS_FUNCTION:
        routines = [routine for each in later if (routine := created_routine(each))]
        targets = [Target(function=each.literal_signature) for each in routines]
        return read_dependants(connection, targets), routines
    target = target_of(_unwrapped(refused))
    return read_dependants(connection, [target] if target else []), ()


def _drops(
    entities: Iterable[Entity], parts: Iterable[Part], earlier: Operations
) -> Sequence[DropEntityOp | DropPartOp]:
    gone = {each.target.key for each in earlier if isinstance(each, DropEntityOp)}
    gone_parts = {each.part.identity for each in earlier if isinstance(each, DropPartOp)}
    return [
        *(DropPartOp(each) for each in parts if each.identity not in gone_parts),
        *(DropEntityOp(each, WHY_DROPPED) for each in entities if each.key not in gone),
    ]


def _without_rows(operation: MigrateOperation) -> Entity | None:
    """Return the entity that an operation creates, if nothing is lost where that is repeated."""
    if not isinstance(operation, CreateEntityOp):
        return None
    entity = operation.target
    return entity if isinstance(entity, _WITHOUT_ROWS) else None


def _key(connection: Connection, entity: Entity) -> tuple[str, ...]:
    return type(entity).keys_in_database(connection, [entity])[entity.key]
