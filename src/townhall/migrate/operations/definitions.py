"""Drops of tables and their parts, which are reversed by PostgreSQL's own definitions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from alembic.operations import MigrateOperation
from alembic.operations.ops import DropColumnOp, DropIndexOp, DropTableOp

from townhall.migrate.operations.statements import StatementsOp
from townhall.pg.catalog import TableName


class BringBackOp(StatementsOp):
    """Create what a drop took away, as it was."""

    def __init__(self, drop: DroppedOp, statements: Sequence[str]) -> None:
        """Take the drop, and the statements that undo it."""
        self.drop, self._statements = drop, statements

    @property
    def statements(self) -> Sequence[str]:
        """What PostgreSQL had, as statements."""
        return self._statements

    def reverse(self) -> MigrateOperation:
        """Return the drop."""
        return self.drop

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("add_table", "public", "events")``."""
        kind, *names = self.drop.to_diff_tuple()
        return (kind.replace("remove_", "add_"), *names)


class DropDefinedTableOp(DropTableOp):
    """Drop a table; the reverse brings it back as it was."""

    def __init__(
        self, drop: DropTableOp, statements: Sequence[str], partitions: Collection[TableName] = ()
    ) -> None:
        """Take Alembic's operation, the statements that undo it, and the partitions that go too."""
        super().__init__(drop.table_name, schema=drop.schema)
        self.statements, self.partitions = statements, partitions

    def reverse(self) -> BringBackOp:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride] # of Alembic's classes
        """Return what brings it back."""
        return BringBackOp(self, self.statements)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("remove_table", "public", "events")``."""
        return ("remove_table", self.schema, self.table_name)


class DropDefinedColumnOp(DropColumnOp):
    """Drop a column; the reverse brings it back as it was, as the last of its table."""

    def __init__(self, drop: DropColumnOp, statements: Sequence[str]) -> None:
        """Take Alembic's operation, and the statements that undo it."""
        super().__init__(drop.table_name, drop.column_name, schema=drop.schema)
        self.statements = statements

    def reverse(self) -> BringBackOp:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride] # of Alembic's classes
        """Return what brings it back."""
        return BringBackOp(self, self.statements)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("remove_column", "public", "events", "name")``."""
        return ("remove_column", self.schema, self.table_name, self.column_name)


class DropDefinedIndexOp(DropIndexOp):
    """Drop an index; the reverse brings it back as it was."""

    def __init__(
        self, drop: DropIndexOp, statements: Sequence[str], *, is_whole: bool = True
    ) -> None:
        """Take Alembic's operation, the statements that undo it, and whether no partition lacks it.

        The first statements are those of the indexes that partitions have.
        """
        super().__init__(drop.index_name, drop.table_name, schema=drop.schema)
        self.statements, self.is_whole = statements, is_whole

    def reverse(self) -> BringBackOp:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride] # of Alembic's classes
        """Return what brings it back."""
        return BringBackOp(self, self.statements)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("remove_index", "public", "events", "ix_events_name")``."""
        return ("remove_index", self.schema, self.table_name, self.index_name)


DroppedOp = DropDefinedTableOp | DropDefinedColumnOp | DropDefinedIndexOp
