"""Entities that have an owner of their own: routines, views, types and sequences."""

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
