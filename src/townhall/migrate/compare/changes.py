"""The operations that bring an object to its declared state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from alembic.operations import MigrateOperation

from townhall.migrate.operations.alterations import AlterEntityOp
from townhall.pg import (
    AlterableEntity,
    CreateEntityOp,
    DropEntityOp,
    Entity,
    Function,
    ReplaceEntityOp,
)
from townhall.pg.adapted import Adapted, AdaptedGrant
from townhall.pg.as_alembic_utils import expressed

EntityOp = AlterEntityOp | CreateEntityOp | ReplaceEntityOp | DropEntityOp


def changes(
    entity: Entity, actual: Entity, declared: Entity, *, is_recreated: bool = False
) -> Iterable[EntityOp]:
    """Yield what changes an object.

    The downgrade changes the other way. Where only one way is possible, both drop and create, so
    that the object's dependants can be recreated both ways. An added value of an enum can't be
    removed, so it stays.

    Args:
        entity: The declared entity.
        actual: The object as it is.
        declared: The object as PostgreSQL has it once the entity was created.
        is_recreated: Whether the comparison dropped and created the object.
    """
    if actual.state == declared.state:
        return
    if isinstance(actual, AlterableEntity) and isinstance(declared, AlterableEntity):
        if declared.can_replace(actual) and not is_recreated:
            yield AlterEntityOp(declared, actual)
            return
    elif declared.can_replace(actual) and actual.can_replace(declared):
        yield ReplaceEntityOp(entity.in_place_of(actual), actual)
        return
    yield DropEntityOp(actual)
    yield CreateEntityOp(entity.keeping(actual, declared))


def adapted_operations(
    entity: Adapted, actual: Entity | None, created: Entity
) -> Iterable[EntityOp]:
    """Yield what creates or changes an object that is declared with alembic-utils.

    Where its own operations would lose what it says nothing of (comments, privileges, the indexes
    of a materialized view) or could not drop it, those of this package are written.

    Args:
        entity: The declared entity.
        actual: The object as it is, or None.
        created: The object as PostgreSQL has it once the entity was created.
    """
    actual = entity.found_in(actual)
    if actual is None:
        is_written = entity.written and not _has_comma_in_default(created)
        yield CreateEntityOp(entity if is_written else entity.as_created(created))
        return
    merged = entity.merged(created, actual)
    previous = actual if isinstance(entity, AdaptedGrant) else expressed(actual)
    # alembic-utils replaces a view by drop and create, but no function.
    is_replaceable = merged.kind != "function" or (
        merged.can_replace(actual) and actual.can_replace(merged)
    )
    is_written = entity.written and isinstance(previous, Adapted) and previous.written
    if previous is None or not (is_replaceable and is_written):
        yield from changes(merged, actual, merged)
    elif merged.state != actual.state:
        yield ReplaceEntityOp(entity, previous)


def _has_comma_in_default(created: Entity) -> bool:
    # alembic-utils takes it for the separator of the arguments when it drops the function.
    return isinstance(created, Function) and any(
        "," in argument for argument in created.arguments.values()
    )


def with_drops_of_alembic_utils(operations: Sequence[MigrateOperation]) -> list[MigrateOperation]:
    """Return operations with drops as alembic-utils writes them, where that loses nothing.

    Args:
        operations: The operations of a revision, in order.
    """
    created = {each.target.key for each in operations if isinstance(each, CreateEntityOp)}
    return [
        DropEntityOp(entity)
        if isinstance(operation, DropEntityOp)
        and operation.target.key not in created
        and not operation.why
        and (entity := expressed(operation.target))
        and entity.written
        else operation
        for operation in operations
    ]
