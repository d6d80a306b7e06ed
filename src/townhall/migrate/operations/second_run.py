"""Steps of a revision that are left out where its result is there."""

from __future__ import annotations

from collections.abc import Sequence

from alembic.operations import MigrateOperation
from alembic.operations.ops import OpContainer


class FindResultOp(OpContainer):
    """Look whether the result of a revision is there.

    It contains no operation, so ``alembic check`` does not list it as a difference.
    """

    def __init__(self, made: Sequence[str], gone: Sequence[str]) -> None:
        """Take what the result alone has, and what the state before it alone has."""
        super().__init__([])
        self.made, self.gone = made, gone


class UnlessFoundOp(OpContainer):
    """Operations that are left out where the result of the revision was found."""

    def __init__(self, operations: Sequence[MigrateOperation]) -> None:
        """Take the operations."""
        super().__init__(operations)
