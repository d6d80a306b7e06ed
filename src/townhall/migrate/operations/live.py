"""Operations that a revision writes with the care that live data and a second run need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alembic.operations import MigrateOperation
from alembic.operations.ops import OpContainer


class SafeOp(OpContainer):
    """An operation that is written as a call of :mod:`townhall.migrate.safety`.

    It contains the operation, so that it is compared, described and tried like any other.
    """

    def __init__(
        self,
        operation: MigrateOperation,
        call: str,
        statements: Sequence[str] = (),
        before: Sequence[str] = (),
    ) -> None:
        """Take the operation, and what it is written as.

        Args:
            operation: The operation.
            call: The Python expression that calls the function.
            statements: SQL after it.
            before: Python expressions before it.
        """
        super().__init__([operation])
        self.call, self.statements, self.before = call, statements, before

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple of the operation."""
        return self.ops[0].to_diff_tuple()


class RewrittenOp(OpContainer):
    """An operation that is written as other statements, which run over its own result."""

    def __init__(self, operation: MigrateOperation, statements: Sequence[str]) -> None:
        """Take the operation and the statements."""
        super().__init__([operation])
        self.statements = statements

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple of the operation."""
        return self.ops[0].to_diff_tuple()


class NotedOp(OpContainer):
    """An operation with a comment for the reader of the revision."""

    def __init__(self, operation: MigrateOperation, why: str) -> None:
        """Take the operation and the comment."""
        super().__init__([operation])
        self.why = why

    def reverse(self) -> MigrateOperation:
        """Return the opposite of the operation."""
        return self.ops[0].reverse()

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple of the operation."""
        return self.ops[0].to_diff_tuple()
