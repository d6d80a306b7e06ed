"""What is created again has the privileges that it had, whatever the default privileges are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from alembic.operations import MigrateOperation
from sqlalchemy import Connection

from townhall.pg import (
    CreateEntityOp,
    DefaultPrivileges,
    DropEntityOp,
    Entity,
    ReplaceEntityOp,
)
from townhall.pg.catalog import DefaultObjects, read_default_grantees
from townhall.pg.privileges import PUBLIC
from townhall.pg.state import Key
from townhall.roles import refused_role

Grantees = Mapping[DefaultObjects, Sequence[str]]

_LETTERS: Mapping[str, str] = {
    "function": "f",
    "procedure": "f",
    "view": "r",
    "materialized view": "r",
    "sequence": "S",
}
"""The kinds of entities as ``pg_default_acl`` has them.

Every role may use a type, unless that was revoked from ``public``.
"""


def with_exact_privileges(
    connection: Connection, operations: Sequence[MigrateOperation]
) -> list[MigrateOperation]:
    """Return operations whose drops come back without what default privileges give.

    So is what the operations drop and create again. A new object gets what they give.

    Args:
        connection: A connection to the database, as the role that runs the operations.
        operations: The operations of a revision.
    """
    dropped = {
        each.target.key
        for each in operations
        if isinstance(each, DropEntityOp) and each.target.kind in _LETTERS
    }
    grantees = read_default_grantees(connection) if dropped else {}
    return [_exact(each, dropped, grantees) for each in operations] if grantees else [*operations]


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
    if operation.target.key not in dropped:
        return operation
    entity = _managing(operation.target, grantees)
    if isinstance(operation, DropEntityOp):
        return DropEntityOp(entity, operation.why)
    return CreateEntityOp(entity)


def _managing(entity: Entity, grantees: Grantees) -> Entity:
    roles: tuple[str, ...] | None = vars(entity).get("api_roles")
    if roles is None:
        return entity
    letter = _LETTERS[entity.kind]
    known = {PUBLIC, *roles, *(getattr(entity, "grants", None) or ())}
    given = [*grantees.get((None, letter), ()), *grantees.get((entity.schema, letter), ())]
    added = dict.fromkeys(role for role in given if role not in known and not refused_role(role))
    return replace(entity, api_roles=(*roles, *added)) if added else entity  # type: ignore[call-arg] # a field of the subclasses
