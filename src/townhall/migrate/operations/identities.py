"""Operations on identity columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table

from townhall.migrate.operations.statements import StatementsOp, qualified_name
from townhall.pg import ddl


class AlterIdentityOp(StatementsOp):
    """Add, alter or drop a column's identity."""

    def __init__(
        self, table: Table, column: str, before: Sequence[str], after: Sequence[str]
    ) -> None:
        """Take the column, and the clauses of its identity: none where it has none."""
        self.table, self.column, self.before, self.after = table, column, before, after

    @property
    def statements(self) -> Sequence[str]:
        """The change of the column, whose next number stays what it is."""
        table = qualified_name(self.table)
        return [ddl.alter_identity(table, self.column, self.before, self.after)]

    def reverse(self) -> AlterIdentityOp:
        """Return the way back."""
        return AlterIdentityOp(self.table, self.column, self.after, self.before)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Say what it is: ``("alter_identity", "public", "events", "number")``."""
        return ("alter_identity", self.table.schema, self.table.name, self.column)
