"""Operations on identity columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table

from townhall.migrate.operations.statements import StatementsOp, qualified_name
from townhall.pg import ddl
from townhall.pg.requirements import guarded, has_no_identity


class AlterIdentityOp(StatementsOp):
    """Add, alter or drop a column's identity."""

    def __init__(
        self, table: Table, column: str, previous: Sequence[str], target: Sequence[str]
    ) -> None:
        """Take the column and the clauses of its identity, which are empty without one."""
        self.table, self.column = table, column
        self.previous, self.target = previous, target

    @property
    def statements(self) -> Sequence[str]:
        """``alter table … alter column``; the next value of the sequence stays.

        They can run again over their own result.
        """
        table = qualified_name(self.table)
        if not self.target:
            return [ddl.drop_identity(table, self.column)]
        statement = ddl.alter_identity(table, self.column, self.previous, self.target)
        if self.previous:
            return [statement]
        return [guarded(has_no_identity(table, self.column), [statement])]

    def reverse(self) -> AlterIdentityOp:
        """Return the opposite change."""
        return AlterIdentityOp(self.table, self.column, self.target, self.previous)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("alter_identity", "public", "events", "number")``."""
        return ("alter_identity", self.table.schema, self.table.name, self.column)
