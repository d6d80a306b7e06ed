"""The change of a type or a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from townhall.migrate.operations.statements import StatementsOp
from townhall.pg import AlterableEntity


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

    def reverse(self) -> AlterEntityOp:
        """Return the opposite change."""
        return AlterEntityOp(self.previous, self.target)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("alter_domain", "public", "percent", "default, checks")``."""
        kind = self.target.kind.replace(" ", "_")
        changed = ", ".join(self.target.differences(self.previous))
        return (f"alter_{kind}", *self.target.name_parts, changed)
