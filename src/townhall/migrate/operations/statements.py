"""Operations that execute SQL statements."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from alembic.operations import MigrateOperation, Operations
from sqlalchemy import Table

from townhall.pg import sql
from townhall.pg.operations import run_unchanged


class StatementsOp(MigrateOperation):
    """An operation that a revision writes as SQL statements."""

    @property
    @abstractmethod
    def statements(self) -> Sequence[str]:
        """The statements."""

    @property
    def why(self) -> str | None:
        """A comment for the reader of the revision, or None."""
        return None


@Operations.implementation_for(StatementsOp)
def _execute(operations: Operations, operation: StatementsOp) -> None:
    run_unchanged(operations.migration_context, operation.statements)


def qualified_name(table: Table) -> str:
    """Return the identifier of a table, with its schema."""
    return f"{sql.quote(table.schema or 'public')}.{sql.quote(table.name)}"
