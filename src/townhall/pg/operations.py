"""The operations of a revision that create, replace and drop an entity.

They extend alembic-utils' operations: each has a diff tuple for ``alembic check``, and a
replacement has the previous state, so that it can be reversed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, cast

from alembic import op
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from townhall.input_error import InputError
from townhall.pg import sql
from townhall.pg.adapted import Adapted
from townhall.pg.alembic_utils import CreateOp, DropOp, ReplaceOp
from townhall.pg.entity import Entity
from townhall.pg.privileges import PUBLIC, Grants
from townhall.pg.requirements import guarded, missing

_log = logging.getLogger(__name__)

WITHOUT_DATA = "townhall_without_data"
"""The option of a migration context in which materialized views are created without their rows."""

CREATED_ENTITIES = "townhall_created_entities"
"""The option of a migration context with a list of the entities that were created."""

DROP_STATEMENTS = "townhall_drop_statements"
"""The option of a migration context with a function that returns how an entity is dropped."""


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
        """Return the diff tuple: ``("create_policy", "public", "events", "members can read")``."""
        return _diff("create", self.target)


class DropEntityOp(DropOp):
    """Drop an entity."""

    target: Entity

    def __init__(self, target: Entity, why: str | None = None) -> None:
        """Take the entity, in the state that the reverse creates, and a reason for the revision."""
        super().__init__(target)
        self.why = why

    def reverse(self) -> CreateEntityOp:
        """Return the creation of the same entity."""
        return CreateEntityOp(self.target)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("drop_view", "public", "seats")``."""
        return _diff("drop", self.target)


class ReplaceEntityOp(ReplaceOp):
    """Change an entity to another state without dropping it."""

    target: Entity

    def __init__(self, target: Entity, previous: Entity | None = None) -> None:
        """Take the state to change to and, where it is known, the previous one."""
        super().__init__(target)
        self.previous = previous

    def reverse(self) -> ReplaceEntityOp:  # pyright: ignore[reportIncompatibleMethodOverride] # that of alembic-utils reads the database again
        """Return the change to the previous state.

        Raises:
            InputError: The previous state is not known, as in a revision.
        """
        if self.previous is None:
            raise InputError(f"the previous state of {self.target.identity} is not known")
        return ReplaceEntityOp(_managing(self.previous, self.target), self.target)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("replace_function", "public", "seat(uuid)")``."""
        return _diff("replace", self.target)


def _managing(entity: Entity, other: Entity) -> Entity:
    # The privileges are exact for the roles to which only the other state gives some.
    roles: tuple[str, ...] | None = vars(entity).get("api_roles")
    grants: Grants | None = getattr(other, "grants", None)
    if roles is None or not grants:
        return entity
    known = {PUBLIC, *roles, *(getattr(entity, "grants", None) or ())}
    added = tuple(role for role in grants if role not in known)
    return replace(entity, api_roles=(*roles, *added)) if added else entity  # type: ignore[call-arg] # a field of the subclass


def _diff(verb: str, entity: Entity) -> tuple[Any, ...]:
    if isinstance(entity, Adapted):
        return entity.diff_tuple(verb)
    return (f"{verb}_{entity.kind.replace(' ', '_')}", *entity.name_parts)


@Operations.implementation_for(CreateEntityOp)
def _create(operations: Operations, operation: CreateEntityOp) -> None:
    entity, context = operation.target, operations.migration_context
    without_data = context.opts.get(WITHOUT_DATA, False)
    context.opts.get(CREATED_ENTITIES, []).append(entity)
    _run(
        context,
        entity,
        entity.create_without_data_statements() if without_data else entity.create_statements(),
    )


@Operations.implementation_for(ReplaceEntityOp)
def _replace(operations: Operations, operation: ReplaceEntityOp) -> None:
    _run(operations.migration_context, operation.target, operation.target.replace_statements())


@Operations.implementation_for(DropEntityOp)
def _drop(operations: Operations, operation: DropEntityOp) -> None:
    entity, context = operation.target, operations.migration_context
    drop_statements = context.opts.get(DROP_STATEMENTS)
    _run(context, entity, (drop_statements or _drop_statements)(entity))


def _drop_statements(entity: Entity) -> Iterable[str]:
    return entity.drop_statements()


def _run(context: MigrationContext, entity: Entity, statements: Iterable[str]) -> None:
    requirement = entity.requirement
    if requirement is None:
        run_unchanged(context, statements)
    elif context.as_sql or context.connection is None:
        run_unchanged(context, [guarded(requirement, statements)])
    elif missing(context.connection, [requirement]):
        _log.warning("There is no %s: %s is left out.", requirement.name, entity.identity)
    else:
        run_unchanged(context, statements)


def run_unchanged(context: MigrationContext, statements: Iterable[str]) -> None:
    """Execute statements, or write them into the script, byte for byte.

    Args:
        context: The context of the run.
        statements: SQL without parameters.
    """
    for statement in map(sql.closed, statements):
        if context.as_sql:
            # Alembic would write blanks for a tab.
            context.impl.static_output(f"{statement}{context.impl.command_terminator}")
        else:
            context.execute(sql.statement(statement))


def execute(statement: str) -> None:
    """Execute a statement unchanged: a colon in it starts no bound parameter.

    Args:
        statement: SQL without parameters.
    """
    run_unchanged(op.get_context(), [sql.layout(statement)])


def create_entity(entity: Entity) -> None:
    """Create an entity, or change an existing one to this state.

    Args:
        entity: What to create.

    Raises:
        InputError: Only the name of the entity is given.
    """
    _refuse_name(entity)
    _invoke(CreateEntityOp(entity))


def replace_entity(entity: Entity) -> None:
    """Change an existing entity to this state without dropping it.

    Args:
        entity: The state to change to.

    Raises:
        InputError: Only the name of the entity is given.
    """
    _refuse_name(entity)
    _invoke(ReplaceEntityOp(entity))


def drop_entity(entity: Entity) -> None:
    """Drop an entity if it exists.

    Args:
        entity: What to drop; only its name matters.
    """
    _invoke(DropEntityOp(entity))


def _refuse_name(entity: Entity) -> None:
    if entity.has_only_name:
        raise InputError(f"{entity.identity}: only its name is given; pass the whole entity")


def _invoke(operation: CreateEntityOp | ReplaceEntityOp | DropEntityOp) -> None:
    cast("Any", op).invoke(operation)
