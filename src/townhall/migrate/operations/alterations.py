"""The change of a type or a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self, TypeGuard

from alembic.operations import MigrateOperation

from townhall.migrate.operations.statements import StatementsOp
from townhall.pg import AlterableEntity, EnumType


class AlterEntityOp(StatementsOp):
    """Change an entity by ``alter`` statements, which depend on its previous state."""

    def __init__(self, target: AlterableEntity, previous: AlterableEntity) -> None:
        """Take the state to change to and the previous one, both as the catalog has them."""
        self.target, self.previous = target, previous

    @property
    def statements(self) -> Sequence[str]:
        """The ``alter`` statements."""
        return list(self.target.alter_statements(self.previous))

    @property
    def why(self) -> str | None:
        """What PostgreSQL can't undo."""
        return self.target.why_not_restored(self.previous)

    def reverse(self) -> Self:
        """Return the opposite change."""
        return type(self)(self.previous, self.target)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("alter_domain", "public", "percent", "default, checks")``."""
        kind = self.target.kind.replace(" ", "_")
        changed = ", ".join(self.target.differences(self.previous))
        return (f"alter_{kind}", *self.target.name_parts, changed)


class AddValuesOp(AlterEntityOp):
    """Add values to an enum that a later revision of the same run uses, when they are committed."""

    @classmethod
    def of(cls, operation: AlterEntityOp) -> Self:
        """Return the same change, in a revision of its own."""
        return cls(operation.target, operation.previous)


def adds_values(operation: MigrateOperation) -> TypeGuard[AlterEntityOp]:
    """Tell whether an operation adds values to an enum."""
    if not isinstance(operation, AlterEntityOp):
        return False
    target, previous = operation.target, operation.previous
    return (
        isinstance(target, EnumType)
        and isinstance(previous, EnumType)
        and not {*target.values} <= {*previous.values}
    )
