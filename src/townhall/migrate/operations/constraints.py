"""Operations on constraints, beside those of Alembic."""

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
    """Add a check; the diff tuple of Alembic's operation lacks its name."""

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("add_check", "events", "ck_events_status_known")``."""
        return ("add_check", self.schema, self.table_name, self.constraint_name)


class AddDefinedOp(StatementsOp):
    """Add a constraint by PostgreSQL's definition, for options that Alembic does not write."""

    def __init__(
        self, table: Table, name: str, definition: str, settings: Sequence[str] = ()
    ) -> None:
        """Take the table, the name and definition of the constraint, and what sets it up then."""
        self.table, self.constraint_name, self.definition = table, name, definition
        self.settings = settings
        self.kind = next(kind for start, kind in _KINDS.items() if definition.startswith(start))

    @property
    def statements(self) -> Sequence[str]:
        """``alter table … add constraint``."""
        table = qualified_name(self.table)
        return [ddl.add_constraint(table, self.constraint_name, self.definition), *self.settings]

    def reverse(self) -> DropDefinedOp:
        """Return the drop of the same constraint."""
        return DropDefinedOp(self)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("add_primary_key", "public", "events", "pk_events")``."""
        return (f"add_{self.kind}", self.table.schema, self.table.name, self.constraint_name)


class DropDefinedOp(DropConstraintOp):
    """Drop a constraint; the reverse adds it by PostgreSQL's definition."""

    def __init__(self, addition: AddDefinedOp) -> None:
        """Take the operation that adds it."""
        table = addition.table
        super().__init__(addition.constraint_name, table.name, schema=table.schema)
        self.addition = addition

    def reverse(self) -> AddDefinedOp:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride] # of Alembic's classes
        """Return the operation that adds it."""
        return self.addition

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("remove_check", "public", "events", "ck_events_status")``."""
        return (f"remove_{self.addition.kind}", self.schema, self.table_name, self.constraint_name)


class RenameConstraintOp(StatementsOp):
    """Rename a constraint whose definition stays the same."""

    def __init__(self, table: Table, old: str, new: str) -> None:
        """Take the table and both names."""
        self.table, self.old, self.new = table, old, new

    @property
    def statements(self) -> Sequence[str]:
        """``alter table … rename constraint``."""
        return [ddl.rename_constraint(qualified_name(self.table), self.old, self.new)]

    def reverse(self) -> RenameConstraintOp:
        """Return the opposite renaming."""
        return RenameConstraintOp(self.table, self.new, self.old)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("rename_constraint", "public", "events", "pk", "key")``."""
        return ("rename_constraint", self.table.schema, self.table.name, self.old, self.new)
