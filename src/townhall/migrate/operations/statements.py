"""Operations that are SQL statements."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from alembic.operations import MigrateOperation, Operations
from sqlalchemy import Table

from townhall.pg import sql


class StatementsOp(MigrateOperation):
    """An operation for which Alembic has no function."""

    @property
    @abstractmethod
    def statements(self) -> Sequence[str]:
        """What is executed."""

    @property
    def why(self) -> str | None:
        """What a reader of the revision should know; None where the statements say it all."""
        return None


@Operations.implementation_for(StatementsOp)
def _execute(operations: Operations, operation: StatementsOp) -> None:
    for statement in operation.statements:
        operations.execute(sql.statement(statement))


def qualified_name(table: Table) -> str:
    """Return the name of a table as SQL has it, with its schema."""
    return f"{sql.quote(table.schema or 'public')}.{sql.quote(table.name)}"
