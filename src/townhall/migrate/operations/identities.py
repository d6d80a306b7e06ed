"""Operations on identity columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table

from townhall.migrate.operations.statements import StatementsOp, alter_table
from townhall.pg import sql


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
        return [
            f"{alter_table(self.table)} alter column {sql.quote(self.column)}\n{self._change()}"
        ]

    def _change(self) -> str:
        if not self.after:
            return "drop identity"
        if self.before:
            return " ".join(f"set {clause}" for clause in self.after)
        kind, *options = self.after
        return f"add {kind} as identity ({' '.join(options)})"

    def reverse(self) -> AlterIdentityOp:
        """Return the way back."""
        return AlterIdentityOp(self.table, self.column, self.after, self.before)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Say what it is: ``("alter_identity", "public", "events", "number")``."""
        return ("alter_identity", self.table.schema, self.table.name, self.column)
