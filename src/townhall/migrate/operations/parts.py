"""Dropping parts of tables that depend on a change, and creating them again as they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alembic.operations import MigrateOperation
from alembic.operations.ops import DropColumnOp, DropConstraintOp, DropIndexOp

from townhall.migrate.operations.constraints import RenameConstraintOp
from townhall.migrate.operations.statements import StatementsOp, qualified_name
from townhall.migrate.operations.table_names import table_of
from townhall.pg import sql
from townhall.pg.catalog import Part

WHY_DROPPED = "It depends on what this revision drops."
WHY_RECREATED = "PostgreSQL forbids a later step while this depends on it: created again below."


class DropPartOp(StatementsOp):
    """Drop a part that stands in the way of a change."""

    def __init__(self, part: Part, why: str = WHY_RECREATED) -> None:
        """Take the part as it is before the change, and why it is dropped."""
        self.part, self._why = part, why

    @property
    def statements(self) -> Sequence[str]:
        """The statement that drops it."""
        return [self.part.drop]

    @property
    def why(self) -> str:
        """Why it is dropped."""
        return self._why

    def reverse(self) -> CreatePartOp:
        """Return the creation of the same part."""
        return CreatePartOp(self.part)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("drop", "index ix_rate on shop.orders")``."""
        return ("drop", self.part.identity)


class SetUpPartOp(StatementsOp):
    """Set what was set for a part that is added as it is declared."""

    def __init__(self, part: Part) -> None:
        """Take the part as it was."""
        self.part = part

    @property
    def statements(self) -> Sequence[str]:
        """The statements that set it up."""
        return self.part.settings

    def reverse(self) -> SetUpPartOp:
        """Return the operation itself: what was added is dropped with its settings."""
        return self

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("set_up", "column twice on shop.orders")``."""
        return ("set_up", self.part.identity)


class CreatePartOp(StatementsOp):
    """Create a part again as it was."""

    def __init__(self, part: Part) -> None:
        """Take the part as it was."""
        self.part = part

    @property
    def statements(self) -> Sequence[str]:
        """The statements that create it, with what was set for it."""
        return self.part.create

    def reverse(self) -> DropPartOp:
        """Return the drop of the same part."""
        return DropPartOp(self.part)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("create", "index ix_rate on shop.orders")``."""
        return ("create", self.part.identity)


def dropped_part(operation: MigrateOperation) -> str | None:
    """Return the identity of the index or constraint that an operation drops, as of a part."""
    if not isinstance(operation, DropIndexOp | DropConstraintOp):
        return None
    table = sql.qualified(*table_of(operation))
    if isinstance(operation, DropIndexOp):
        return f"index {sql.quote(str(operation.index_name))} on {table}"
    return _constraint_of(table, str(operation.constraint_name))


def renamed_part(operation: MigrateOperation) -> tuple[str, str] | None:
    """Return the identities of the constraint that an operation renames: the new and the old."""
    if not isinstance(operation, RenameConstraintOp):
        return None
    table = qualified_name(operation.table)
    return _constraint_of(table, operation.new), _constraint_of(table, operation.old)


def _constraint_of(table: str, name: str) -> str:
    return f"constraint {sql.quote(name)} on table {table}"


def dropped_column(operation: MigrateOperation) -> str | None:
    """Return the identity of the column that an operation drops, as of a part."""
    if not isinstance(operation, DropColumnOp):
        return None
    return f"column {sql.quote(operation.column_name)} on {sql.qualified(*table_of(operation))}"
