"""What is created again has the privileges that it had, whatever the default privileges are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from alembic.operations import MigrateOperation
from sqlalchemy import Connection

from townhall.pg import (
    CreateEntityOp,
    DataType,
    DefaultPrivileges,
    DropEntityOp,
    Entity,
    ReplaceEntityOp,
)
from townhall.pg.catalog import Grantees, read_default_grantees
from townhall.pg.data_type import EVERYONE
from townhall.pg.privileges import PUBLIC
from townhall.pg.state import Key
from townhall.roles import refused_role

Creatable = TypeVar("Creatable", bound=Entity)

_LETTERS: Mapping[str, str] = {
    "function": "f",
    "procedure": "f",
    "view": "r",
    "materialized view": "r",
    "sequence": "S",
    "enum": "T",
    "domain": "T",
    "composite type": "T",
    "range type": "T",
}
"""The kinds of entities as ``pg_default_acl`` has them."""


def with_exact_privileges(
    connection: Connection, operations: Sequence[MigrateOperation]
) -> list[MigrateOperation]:
    """Return operations whose drops come back without what default privileges give.

    So is what the operations drop and create again. A new object gets what they give to roles that
    its declaration does not manage.

    Args:
        connection: A connection to the database, as the role that runs the operations.
        operations: The operations of a revision.
    """
    changed = [
        each
        for each in operations
        if isinstance(each, CreateEntityOp | DropEntityOp) and each.target.kind in _LETTERS
    ]
    dropped = {each.target.key for each in changed if isinstance(each, DropEntityOp)}
    is_needed = dropped or any(isinstance(each.target, DataType) for each in changed)
    grantees = read_default_grantees(connection) if is_needed else {}
    return [_exact(each, dropped, grantees) for each in operations] if grantees else [*operations]


def created_exactly(
    connection: Connection, entities: Iterable[Creatable], *, are_new: bool
) -> list[Creatable]:
    """Return entities that are created without what default privileges give.

    Args:
        connection: A connection to the database, as the role that creates them.
        entities: The entities.
        are_new: Whether roles that their declaration does not manage get what these give.
    """
    every = [*entities]
    grantees = read_default_grantees(connection) if every else {}
    if not grantees:
        return every
    return [given(each, grantees) if are_new else managing(each, grantees) for each in every]


def with_default_privileges_last(
    operations: Sequence[MigrateOperation],
) -> list[MigrateOperation]:
    """Return operations of which the changes of default privileges come last.

    So the downgrade undoes them first, and what it creates again is not given what they give.

    Args:
        operations: The operations of a revision.
    """
    return sorted(
        operations,
        key=lambda each: (
            isinstance(each, CreateEntityOp | DropEntityOp | ReplaceEntityOp)
            and isinstance(each.target, DefaultPrivileges)
        ),
    )


def _exact(operation: MigrateOperation, dropped: set[Key], grantees: Grantees) -> MigrateOperation:
    if not isinstance(operation, CreateEntityOp | DropEntityOp):
        return operation
    entity = operation.target
    exact = managing(entity, grantees) if entity.key in dropped else given(entity, grantees)
    if isinstance(operation, DropEntityOp):
        return DropEntityOp(exact, operation.why)
    return operation if exact is entity else CreateEntityOp(exact)


def managing(entity: Creatable, grantees: Grantees) -> Creatable:
    """Return an entity that manages every role to which default privileges give something.

    Args:
        entity: What is created again.
        grantees: These roles.
    """
    roles: tuple[str, ...] | None = vars(entity).get("api_roles")
    if roles is None or entity.kind not in _LETTERS:
        return entity
    known = {PUBLIC, *roles, *(getattr(entity, "grants", None) or ())}
    by_default = _roles(entity, grantees)
    added = dict.fromkeys(
        role for role in by_default if role not in known and not refused_role(role)
    )
    exact = replace(entity, api_roles=(*roles, *added)) if added else entity  # type: ignore[call-arg] # a field of the subclasses
    return given(exact, grantees)


def given(entity: Creatable, grantees: Grantees) -> Creatable:
    """Return an entity with the roles that may use it by default, where it is a type.

    Args:
        entity: What is created.
        grantees: The roles to which default privileges give something.
    """
    if not isinstance(entity, DataType):
        return entity
    roles = tuple(_roles(entity, grantees))
    return entity if roles == entity.usage_by_default else replace(entity, usage_by_default=roles)


def _roles(entity: Entity, grantees: Grantees) -> Sequence[str]:
    letter = _LETTERS[entity.kind]
    everywhere = grantees.get((None, letter), EVERYONE if isinstance(entity, DataType) else ())
    return sorted({*everywhere, *grantees.get((entity.schema, letter), ())})
