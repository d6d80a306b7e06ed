"""Operations on the expressions of generated columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alembic.operations import MigrateOperation
from alembic.operations.ops import ModifyTableOps
from sqlalchemy import Table

from townhall.migrate.operations.statements import StatementsOp, qualified_name
from townhall.pg import ddl


class DropExpressionOp(StatementsOp):
    """Make a stored generated column an ordinary one, which keeps its values."""

    def __init__(self, table: Table, column: str, back: Sequence[MigrateOperation] = ()) -> None:
        """Take the column, and the operations that generate it again as it was.

        PostgreSQL gives no expression to an ordinary column, so these drop the column with all that
        depends on it and create both again.
        """
        self.table, self.column, self.back = table, column, tuple(back)

    @property
    def statements(self) -> Sequence[str]:
        """``alter table … drop expression``, which can run again over its own result."""
        return [ddl.drop_expression(qualified_name(self.table), self.column)]

    def reverse(self) -> ModifyTableOps:
        """Return the operations that generate it again."""
        return ModifyTableOps(self.table.name, self.back, schema=self.table.schema)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("drop_expression", "public", "events", "total")``."""
        return ("drop_expression", self.table.schema, self.table.name, self.column)
