"""Operations on the expressions of generated columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alembic.operations import MigrateOperation
from alembic.operations.ops import ModifyTableOps
from sqlalchemy import Table

from townhall.migrate.operations.statements import StatementsOp, qualified_name
from townhall.pg import ddl
from townhall.pg.requirements import column_is_ordinary, column_is_virtual, guarded

_WHY_ADDED = (
    "PostgreSQL computes the values of a virtual column by writing the whole table anew: reads and"
    " writes of the table wait for as long."
)

_WHY_ONCE = (
    "PostgreSQL gives no expression to an ordinary column: it is dropped and added again, with all"
    " that reads it. In a second run it would go from the tables below that inherit it."
)


class DropExpressionOp(StatementsOp):
    """Make a generated column an ordinary one, which keeps its values."""

    def __init__(
        self,
        table: Table,
        column: str,
        back: Sequence[MigrateOperation] = (),
        *,
        is_virtual: bool = False,
        addition: Sequence[str] = (),
    ) -> None:
        """Take the column, and the operations that generate it again as it was.

        PostgreSQL gives no expression to an ordinary column, so these drop the column with all that
        depends on it and create both again.

        Args:
            table: The table.
            column: The name of the column.
            back: The operations that generate it again.
            is_virtual: Whether the column stores no values.
            addition: The statements that drop a virtual column with all that depends on it, and
                create both again with the values of the column.
        """
        self.table, self.column, self.back = table, column, tuple(back)
        self.is_virtual, self._addition = is_virtual, tuple(addition)

    @property
    def is_after_drops(self) -> bool:
        """Whether tables that inherit the column are dropped before, and come back after it."""
        return any(isinstance(each, GenerateOnceOp) for each in self.back)

    @property
    def statements(self) -> Sequence[str]:
        """``alter table … drop expression``, which can run again over its own result.

        PostgreSQL refuses it for a virtual column, which is added again.
        """
        table = qualified_name(self.table)
        if self.is_virtual:
            return [guarded(column_is_virtual(table, self.column), self._addition)]
        return [ddl.drop_expression(table, self.column)]

    @property
    def why(self) -> str | None:
        """That adding a virtual column again takes time."""
        return _WHY_ADDED if self.is_virtual else None

    def reverse(self) -> ModifyTableOps:
        """Return the operations that generate it again."""
        return ModifyTableOps(self.table.name, self.back, schema=self.table.schema)

    @property
    def difference(self) -> str:
        """The difference in words: ``alter_column public.events total``."""
        return f"alter_column {qualified_name(self.table)} {self.column}"

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("drop_expression", "public", "events", "total")``."""
        return ("drop_expression", self.table.schema, self.table.name, self.column)


class GenerateOnceOp(StatementsOp):
    """Generate a column again as it was, unless it is generated."""

    def __init__(self, table: Table, column: str, statements: Sequence[str]) -> None:
        """Take the column, and what drops and creates it with all that depends on it."""
        self.table, self.column, self._statements = table, column, statements

    @property
    def statements(self) -> Sequence[str]:
        """One statement, which runs the others where the column is an ordinary one."""
        required = column_is_ordinary(qualified_name(self.table), self.column)
        return [guarded(required, self._statements)]

    @property
    def why(self) -> str:
        """That a second run leaves the column as it is."""
        return _WHY_ONCE

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("add_expression", "public", "events", "total")``."""
        return ("add_expression", self.table.schema, self.table.name, self.column)
