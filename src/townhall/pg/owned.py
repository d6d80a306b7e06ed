"""Entities that have an owner of their own, as routines and views, or say who may use what has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

from townhall.pg import ddl
from townhall.pg.entity import Entity


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class OwnedEntity(Entity):
    """An entity that has an owner of its own.

    Attributes:
        owner: The role that owns it once its statements have run; None for the role that creates
            it. It is read from the catalog where it is another role than the current one, so that
            what a revision drops comes back with it, and is not compared.
    """

    sql_kind: ClassVar[str]
    """The kind as in ``drop type`` and ``comment on type``."""

    owner: str | None = field(default=None, compare=False)

    def _owner(self, target: str) -> Iterable[str]:
        """Yield what gives the object its owner; privileges are granted after that."""
        if self.owner is not None:
            yield ddl.set_owner(self.sql_kind, target, self.owner)

    def keeping(self, actual: Entity, created: Entity) -> Self:
        """Return the object with its owner, and all else that is not declared."""
        kept = super().keeping(actual, created)
        if not isinstance(actual, OwnedEntity) or kept.owner is not None:
            return kept
        return replace(kept, owner=actual.owner)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class AccessOfOwned(Entity):
    """The access of an object that has an owner: a table or a schema.

    Attributes:
        owner: The role that owns the object, where it is another one than the current role. Its
            privileges are not managed: it has all of them, or those that it has left itself. It is
            read from the catalog, and is not compared.
    """

    owner: str | None = field(default=None, compare=False)

    def in_place_of(self, actual: Entity) -> Self:
        """Return the access with the owner that the object has."""
        if not isinstance(actual, AccessOfOwned) or actual.owner is None:
            return self
        return replace(self, owner=actual.owner)
