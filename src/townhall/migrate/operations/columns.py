"""Changes of a column's type and default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

from townhall.migrate.operations.statements import StatementsOp, qualified_name
from townhall.pg import ddl, sql


@dataclass(frozen=True)
class ColumnState:
    """What a change can alter of a column.

    Attributes:
        type: The type with its modifiers, in SQL.
        collation: The collation, where it is not that of the type.
        default: The expression of the default.
        using: The expression that gives the values of this type from those of the other one, where
            PostgreSQL has to be told.
    """

    type: str
    collation: str | None
    default: str | None
    using: str | None = None


class ChangeColumnOp(StatementsOp):
    """Change the type or the default of a column."""

    def __init__(  # noqa: PLR0913 - each is a part of the change
        self,
        table: Table,
        name: str,
        previous: ColumnState,
        target: ColumnState,
        *,
        is_other_type: bool,
        sequence: str | None = None,
    ) -> None:
        """Take the column in both states.

        Args:
            table: The table.
            name: The name of the column.
            previous: The column as it is.
            target: The column as it will be.
            is_other_type: Whether more of the type changes than its modifiers.
            sequence: The sequence of a column that is serial in both states, as SQL names it.
        """
        self.schema, self.table_name, self.column_name = table.schema, table.name, name
        self.previous, self.target, self.is_other_type = previous, target, is_other_type
        self.owner, self.sequence = table, sequence

    @property
    def sets_default(self) -> bool:
        """Whether the default is set again for the sake of the type."""
        return self.is_other_type and self.previous.default is not None

    @property
    def changes_type(self) -> bool:
        """Whether the type or the collation changes, for which PostgreSQL may read every row."""
        before, after = self.previous, self.target
        return (before.type, before.collation) != (after.type, after.collation)

    @property
    def changes(self) -> Sequence[str]:
        """The parts of one ``alter table``.

        A default that blocks the new type is dropped and set around it.
        """
        target, alter = self.target, f"alter column {sql.quote(self.column_name)}"
        changes_default = self.sets_default or self.previous.default != target.default
        changes: list[str] = []
        if changes_default and (target.default is None or self.changes_type):
            changes.append(f"{alter} drop default")
        if self.changes_type:
            collation = f" collate {target.collation}" if target.collation else ""
            using = f" using {target.using}" if target.using else ""
            changes.append(f"{alter} type {target.type}{collation}{using}")
        if changes_default and target.default is not None:
            changes.append(f"{alter} set default {target.default}")
        return changes

    @property
    def statements(self) -> Sequence[str]:
        """The ``alter table``, and what the sequence of a serial column needs."""
        changes, table = self.changes, f"alter table {qualified_name(self.owner)}"
        change = f"{table} {changes[0]}" if len(changes) == 1 else _on_lines(table, changes)
        # The sequence of a serial column would end where the former type ends.
        of_sequence = f"alter sequence {self.sequence} as {self.target.type}"
        return [change, of_sequence] if self.sequence and self.changes_type else [change]

    def reverse(self) -> ChangeColumnOp:
        """Return the opposite change."""
        return ChangeColumnOp(
            self.owner,
            self.column_name,
            self.target,
            self.previous,
            is_other_type=self.is_other_type,
            sequence=self.sequence,
        )

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("modify_type", "public", "events", "name", "text", "date")``.

        The kind is ``modify_default`` where only the default changes.
        """
        where = (self.schema, self.table_name, self.column_name)
        if self.changes_type:
            return ("modify_type", *where, self.previous.type, self.target.type)
        return ("modify_default", *where, self.previous.default, self.target.default)


class AddSerialOp(StatementsOp):
    """Let a sequence that belongs to a column give its default."""

    def __init__(  # noqa: PLR0913 - each is a part of what it gets
        self,
        table: Table,
        column: str,
        sequence: str,
        previous: str | None,
        options: str = "",
        *,
        type_: str,
        role: str | None = None,
    ) -> None:
        """Take the column, its sequence, and its present default.

        Args:
            table: The table.
            column: The name of the column.
            sequence: The sequence as a qualified identifier.
            previous: The present default.
            options: The options of the sequence: ``start with 10``.
            type_: The type of the column.
            role: The owner of the table, where that is not the current role.
        """
        self.schema, self.table_name, self.column_name = table.schema, table.name, column
        self.owner, self.sequence, self.previous = table, sequence, previous
        self.options, self.type, self.role = options, type_, role

    @property
    def statements(self) -> Sequence[str]:
        """``create sequence`` and ``set default``."""
        table, column = qualified_name(self.owner), sql.quote(self.column_name)
        value = f"nextval({sql.literal(self.sequence)}::regclass)"
        default = f"alter table {table} alter column {column} set default {value}"
        options = f"as {self.type} {self.options}".rstrip()
        create = f"create sequence if not exists {self.sequence} {options}"
        owned = f"owned by {table}.{column}"
        if self.role is None:
            return [f"{create} {owned}", default]
        # PostgreSQL wants the sequence and the table to have one owner.
        owner = ddl.set_owner("sequence", self.sequence, self.role)
        return [create, owner, f"alter sequence {self.sequence} {owned}", default]

    def reverse(self) -> DropSerialOp:
        """Return the drop of the sequence."""
        return DropSerialOp(self)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("add_serial", "public", "events", "id")``."""
        return ("add_serial", self.schema, self.table_name, self.column_name)


class FillColumnOp(StatementsOp):
    """Give the rows that were there before a column its default."""

    def __init__(self, table: Table, column: str) -> None:
        """Take the table and the name of the column."""
        self.table, self.column_name = table, column

    @property
    def statements(self) -> Sequence[str]:
        """``update``."""
        column = sql.quote(self.column_name)
        return [
            f"update {qualified_name(self.table)} set {column} = default where {column} is null"
        ]

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("fill_column", "public", "events", "token")``."""
        return ("fill_column", self.table.schema, self.table.name, self.column_name)


class AlterSerialOp(StatementsOp):
    """Change the type and the numbers of the sequence of a serial column."""

    def __init__(
        self,
        table: Table,
        column: str,
        sequence: str,
        previous: Sequence[str],
        target: Sequence[str],
    ) -> None:
        """Take the column, the sequence as SQL names it, and its options as they are and will be.

        The options are those of ``alter sequence``: ``["as integer", "start with 1", …]``.
        """
        self.table, self.column, self.sequence = table, column, sequence
        self.previous, self.target = previous, target

    @property
    def statements(self) -> Sequence[str]:
        """``alter sequence``; the next value stays."""
        return [f"alter sequence {self.sequence}\n{' '.join(self.target)}"]

    def reverse(self) -> AlterSerialOp:
        """Return the opposite change."""
        return AlterSerialOp(self.table, self.column, self.sequence, self.target, self.previous)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("alter_serial", "public", "events", "id")``."""
        return ("alter_serial", self.table.schema, self.table.name, self.column)


class DropSerialOp(StatementsOp):
    """Drop the sequence that gives the default of a column."""

    def __init__(self, added: AddSerialOp) -> None:
        """Take the operation that adds it."""
        self.added = added

    @property
    def statements(self) -> Sequence[str]:
        """The former default, and ``drop sequence``."""
        added = self.added
        default = "drop default" if added.previous is None else f"set default {added.previous}"
        column = sql.quote(added.column_name)
        return [
            f"alter table {qualified_name(added.owner)} alter column {column} {default}",
            f"drop sequence if exists {added.sequence}",
        ]

    def reverse(self) -> AddSerialOp:
        """Return the operation that adds it."""
        return self.added

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("remove_serial", "public", "events", "id")``."""
        return ("remove_serial", *self.added.to_diff_tuple()[1:])


def _on_lines(table: str, changes: Sequence[str]) -> str:
    return table + "\n" + ",\n".join(sql.indented(change) for change in changes)
