"""Operations that a revision writes with the care that live data and a second run need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alembic.operations import MigrateOperation
from alembic.operations.ops import OpContainer

from townhall.migrate.operations.statements import StatementsOp
from townhall.pg.requirements import Requirement, guarded


class SafeOp(OpContainer):
    """An operation that is written as a call of :mod:`townhall.migrate.safety`.

    It contains the operation, so that it is compared, described and tried like any other.
    """

    def __init__(
        self, operation: MigrateOperation, call: str, statements: Sequence[str] = ()
    ) -> None:
        """Take the operation, the Python expression that calls the function, and SQL after it."""
        super().__init__([operation])
        self.call, self.statements = call, statements

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple of the operation."""
        return self.ops[0].to_diff_tuple()


class GuardedOp(OpContainer):
    """Statements that run only where something holds that a later operation ends."""

    def __init__(self, operation: StatementsOp, required: Requirement) -> None:
        """Take the operation and what must hold."""
        super().__init__([operation])
        self.statements = [guarded(required, operation.statements)]

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple of the operation."""
        return self.ops[0].to_diff_tuple()
