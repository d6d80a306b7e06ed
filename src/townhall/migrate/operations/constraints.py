"""Operations on constraints that Alembic has none for, or none that says its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alembic.operations.ops import CreateCheckConstraintOp, DropConstraintOp
from sqlalchemy import Table

from townhall.migrate.operations.statements import StatementsOp, qualified_name
from townhall.pg import ddl

_KINDS = {
    "CHECK ": "check",
    "EXCLUDE ": "exclude",
    "FOREIGN KEY ": "foreign_key",
    "PRIMARY KEY ": "primary_key",
    "UNIQUE ": "unique",
}


class AddCheckOp(CreateCheckConstraintOp):
    """Add a check; Alembic's own does not say its name."""

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Say what it is: ``("add_check", "events", "ck_events_status_known")``."""
        return ("add_check", self.schema, self.table_name, self.constraint_name)


class AddDefinedOp(StatementsOp):
    """Add a constraint as PostgreSQL defines it, which says more than Alembic can."""

    def __init__(self, table: Table, name: str, definition: str) -> None:
        """Take the table, and the name and definition of the constraint."""
        self.table, self.constraint_name, self.definition = table, name, definition
        self.kind = next(kind for start, kind in _KINDS.items() if definition.startswith(start))

    @property
    def statements(self) -> Sequence[str]:
        """The addition."""
        table = qualified_name(self.table)
        return [ddl.add_constraint(table, self.constraint_name, self.definition)]

    def reverse(self) -> DropDefinedOp:
        """Return the drop of the same constraint."""
        return DropDefinedOp(self)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Say what it is: ``("add_primary_key", "public", "events", "pk_events")``."""
        return (f"add_{self.kind}", self.table.schema, self.table.name, self.constraint_name)


class DropDefinedOp(DropConstraintOp):
    """Drop a constraint that comes back as PostgreSQL had defined it."""

    def __init__(self, before: AddDefinedOp) -> None:
        """Take what brings it back."""
        super().__init__(before.constraint_name, before.table.name, schema=before.table.schema)
        self.before = before

    def reverse(self) -> AddDefinedOp:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride] # theirs are built differently
        """Return what brings it back."""
        return self.before

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Say what it is: ``("remove_check", "public", "events", "ck_events_status_known")``."""
        return (f"remove_{self.before.kind}", self.schema, self.table_name, self.constraint_name)


class RenameConstraintOp(StatementsOp):
    """Rename a constraint, which is the same otherwise."""

    def __init__(self, table: Table, old: str, new: str) -> None:
        """Take the table and both names."""
        self.table, self.old, self.new = table, old, new

    @property
    def statements(self) -> Sequence[str]:
        """The change of the name."""
        return [ddl.rename_constraint(qualified_name(self.table), self.old, self.new)]

    def reverse(self) -> RenameConstraintOp:
        """Return the way back."""
        return RenameConstraintOp(self.table, self.new, self.old)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Say what it is: ``("rename_constraint", "public", "events", "pk_old", "pk_events")``."""
        return ("rename_constraint", self.table.schema, self.table.name, self.old, self.new)
