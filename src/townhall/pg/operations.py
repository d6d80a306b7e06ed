"""The operations of a revision that create, replace and drop an entity.

They are alembic-utils' operations with what its own leave out: each names itself in
``alembic check``, and a replacement knows what it replaced, so that its reverse does too.
"""

from __future__ import annotations

from typing import Any, cast

from alembic import op
from alembic.operations import Operations

from townhall.pg import sql
from townhall.pg.alembic_utils import CreateOp, DropOp, ReplaceOp
from townhall.pg.entity import Entity


class CreateEntityOp(CreateOp):
    """Create an entity."""

    target: Entity

    def __init__(self, target: Entity) -> None:
        """Take the entity to create."""
        super().__init__(target)

    def reverse(self) -> DropEntityOp:
        """Return the drop of the same entity."""
        return DropEntityOp(self.target)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Say what it is: ``("create_policy", "public", "events", "members can read")``."""
        return _diff("create", self.target)


class DropEntityOp(DropOp):
    """Drop an entity."""

    target: Entity

    def __init__(self, target: Entity, why: str | None = None) -> None:
        """Take the entity to drop, in the state to bring back, and why if that is not plain."""
        super().__init__(target)
        self.why = why

    def reverse(self) -> CreateEntityOp:
        """Return the creation of the same entity."""
        return CreateEntityOp(self.target)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Say what it is: ``("drop_view", "public", "seats")``."""
        return _diff("drop", self.target)


class ReplaceEntityOp(ReplaceOp):
    """Bring an entity from one state to another, without dropping it."""

    target: Entity

    def __init__(self, target: Entity, before: Entity | None = None) -> None:
        """Take the new state and, where it is known, the old one."""
        super().__init__(target)
        self.before = before

    def reverse(self) -> ReplaceEntityOp:  # pyright: ignore[reportIncompatibleMethodOverride] # theirs asks the database again
        """Return the way back.

        Raises:
            ValueError: The old state is not known, as in a revision that was written already.
        """
        if self.before is None:
            raise ValueError(f"the state of {self.target.identity} before is not known")
        return ReplaceEntityOp(self.before, self.target)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Say what it is: ``("replace_function", "public", "seat(uuid)")``."""
        return _diff("replace", self.target)


def _diff(verb: str, entity: Entity) -> tuple[Any, ...]:
    return (f"{verb}_{entity.kind.replace(' ', '_')}", *entity.name_parts)


@Operations.implementation_for(CreateEntityOp)
def _create(operations: Operations, operation: CreateEntityOp) -> None:
    for statement in operation.target.create_statements():
        operations.execute(sql.statement(statement))


@Operations.implementation_for(ReplaceEntityOp)
def _replace(operations: Operations, operation: ReplaceEntityOp) -> None:
    for statement in operation.target.replace_statements():
        operations.execute(sql.statement(statement))


@Operations.implementation_for(DropEntityOp)
def _drop(operations: Operations, operation: DropEntityOp) -> None:
    for statement in operation.target.drop_statements():
        operations.execute(sql.statement(statement))


def execute(statement: str) -> None:
    """Execute a statement as it stands: a colon in it starts no bound parameter.

    Args:
        statement: SQL without parameters.
    """
    op.execute(sql.statement(sql.layout(statement)))


def create_entity(entity: Entity) -> None:
    """Create an entity in the database that a revision runs on.

    One that is there already is brought to this state.

    Args:
        entity: What to create.
    """
    _invoke(CreateEntityOp(entity))


def replace_entity(entity: Entity) -> None:
    """Bring an existing entity to this state without dropping it.

    Args:
        entity: The new state.
    """
    _invoke(ReplaceEntityOp(entity))


def drop_entity(entity: Entity) -> None:
    """Drop an entity if it is there.

    Args:
        entity: What to drop; only its name matters.
    """
    _invoke(DropEntityOp(entity))


def _invoke(operation: CreateEntityOp | ReplaceEntityOp | DropEntityOp) -> None:
    cast("Any", op).invoke(operation)
