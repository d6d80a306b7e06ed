"""Operations on identity columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alembic.operations import MigrateOperation
from sqlalchemy import Table

from townhall.migrate.operations.statements import StatementsOp, qualified_name
from townhall.migrate.operations.table_names import name_of
from townhall.pg import DropEntityOp, ddl, numbers, sql
from townhall.pg import Sequence as NumberSequence
from townhall.pg.requirements import guarded, has_no_identity


class AlterIdentityOp(StatementsOp):
    """Add, alter or drop a column's identity."""

    def __init__(  # noqa: PLR0913 - each is a part of the change
        self,
        table: Table,
        column: str,
        previous: Sequence[str],
        target: Sequence[str],
        *,
        is_serial: bool = False,
        settings: Sequence[str] = (),
    ) -> None:
        """Take the column and the clauses of its identity, which are empty without one.

        Args:
            table: The table.
            column: The name of the column.
            previous: The clauses as they are.
            target: The clauses as they will be.
            is_serial: Whether the column is serial without the identity; the numbers go on.
            settings: The statements that set up the sequence of an identity that comes back.
        """
        self.table, self.column = table, column
        self.previous, self.target, self.is_serial = previous, target, is_serial
        self.settings = settings

    def coming_back(self, identity: Sequence[str], settings: Sequence[str]) -> AlterIdentityOp:
        """Return the drop of the identity, whose reverse brings its sequence back as it was.

        Args:
            identity: The clauses of the identity, with the name of its sequence.
            settings: The statements that set up the sequence.
        """
        return AlterIdentityOp(
            self.table,
            self.column,
            identity,
            (),
            is_serial=self.is_serial,
            settings=settings,
        )

    @property
    def statements(self) -> Sequence[str]:
        """``alter table … alter column``; the next value of the sequence stays.

        They can run again over their own result.
        """
        table = qualified_name(self.table)
        carry = (
            [numbers.carry_numbers(table, self.column, to_identity=bool(self.target))]
            if self.is_serial
            else []
        )
        if not self.target:
            return [*carry, ddl.drop_identity(table, self.column)]
        statement = ddl.alter_identity(table, self.column, self.previous, self.target)
        if self.previous:
            return [statement]
        added = guarded(has_no_identity(table, self.column), [statement])
        return [added, *carry, *self.settings]

    def reverse(self) -> AlterIdentityOp:
        """Return the opposite change."""
        return AlterIdentityOp(
            self.table,
            self.column,
            self.target,
            self.previous,
            is_serial=self.is_serial,
            settings=self.settings,
        )

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("alter_identity", "public", "events", "number")``."""
        return ("alter_identity", self.table.schema, self.table.name, self.column)


class SerialForIdentityOp(StatementsOp):
    """Make a serial column of an identity column, whose numbers go on."""

    def __init__(  # noqa: PLR0913 - each is a part of what it gets
        self,
        table: Table,
        column: str,
        identity: Sequence[str],
        *,
        sequence: str,
        type_: str,
        owner: str | None,
        settings: Sequence[str] = (),
    ) -> None:
        """Take the column with the clauses of its identity, and the sequence that it gets.

        Args:
            table: The table.
            column: The name of the column.
            identity: The clauses of its identity.
            sequence: The sequence as a qualified identifier.
            type_: The type of the sequence.
            owner: The owner of the table, where that is not the current role.
            settings: The statements that set up the sequence of the identity when it comes back.
        """
        self.table, self.column, self.identity = table, column, identity
        self.sequence, self.type, self.owner = sequence, type_, owner
        self.settings = settings

    def coming_back(self, identity: Sequence[str], settings: Sequence[str]) -> SerialForIdentityOp:
        """Return the operation, whose reverse brings the sequence of the identity back as it was.

        Args:
            identity: The clauses of the identity, with the name of its sequence.
            settings: The statements that set up the sequence.
        """
        return SerialForIdentityOp(
            self.table,
            self.column,
            identity,
            sequence=self.sequence,
            type_=self.type,
            owner=self.owner,
            settings=settings,
        )

    @property
    def statements(self) -> Sequence[str]:
        """One block, which does nothing over its own result."""
        table = qualified_name(self.table)
        return [
            numbers.serial_for_identity(table, self.column, self.sequence, self.type, self.owner)
        ]

    def reverse(self) -> IdentityForSerialOp:
        """Return the opposite change."""
        return IdentityForSerialOp(self)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("alter_identity", "public", "events", "number")``."""
        return ("alter_identity", self.table.schema, self.table.name, self.column)


class IdentityForSerialOp(StatementsOp):
    """Make an identity column again of one that was made serial, whose numbers go on."""

    def __init__(self, undone: SerialForIdentityOp) -> None:
        """Take the operation that is undone."""
        self.undone = undone

    @property
    def statements(self) -> Sequence[str]:
        """A block, which does nothing over its own result, and what sets up the sequence."""
        undone = self.undone
        definition = ddl.define_identity(undone.identity)
        table = qualified_name(undone.table)
        block = numbers.identity_for_serial(table, undone.column, definition)
        return [block, *undone.settings]

    def reverse(self) -> SerialForIdentityOp:
        """Return the operation that is undone."""
        return self.undone

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple of the operation that is undone."""
        return self.undone.to_diff_tuple()


class DropFormerSequenceOp(StatementsOp):
    """Drop the sequence of a serial column that is an identity column now, which takes its name."""

    def __init__(self, sequence: NumberSequence, table: str, column: str) -> None:
        """Take the sequence.

        Args:
            sequence: The sequence as it is.
            table: The name of its table, in the same schema.
            column: The name of its column.
        """
        self.sequence, self.schema = sequence, sequence.schema
        self.table_name, self.column = table, column

    @property
    def statements(self) -> Sequence[str]:
        """One block, which does nothing over its own result."""
        schema = self.sequence.schema
        table = sql.qualified(schema, self.table_name)
        name = sql.generated_name(self.table_name, [self.column], "seq")
        return [numbers.drop_former_sequence(table, self.column, schema, self.sequence.name, name)]

    def reverse(self) -> CreateFormerSequenceOp:
        """Return the creation of the sequence."""
        return CreateFormerSequenceOp(self)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("drop_sequence", "public", "events_id_seq")``."""
        return ("drop_sequence", *self.sequence.name_parts)


class CreateFormerSequenceOp(StatementsOp):
    """Create the sequence again that a column had before its identity."""

    def __init__(self, undone: DropFormerSequenceOp) -> None:
        """Take the operation that is undone."""
        self.undone = undone

    @property
    def statements(self) -> Sequence[str]:
        """A block that makes room for its name, and the statements that create it."""
        sequence, column = self.undone.sequence, self.undone.column
        table = sql.qualified(sequence.schema, self.undone.table_name)
        room = numbers.make_room_for_sequence(table, column, sequence.schema, sequence.name)
        return [room, *sequence.create_statements()]

    def reverse(self) -> DropFormerSequenceOp:
        """Return the operation that is undone."""
        return self.undone

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("create_sequence", "public", "events_id_seq")``."""
        return ("create_sequence", *self.undone.sequence.name_parts)


def with_names_of_former_sequences(
    operations: Sequence[MigrateOperation],
) -> list[MigrateOperation]:
    """Return operations in which an identity gets the name of the sequence that it replaces.

    Args:
        operations: The operations of a revision, in order.
    """
    columns = {
        (*name_of(each.table), each.column)
        for each in operations
        if isinstance(each, AlterIdentityOp) and each.is_serial and each.target
    }
    return [
        DropFormerSequenceOp(each.target, *each.target.owned_by)
        if isinstance(each, DropEntityOp)
        and isinstance(each.target, NumberSequence)
        and each.target.owned_by is not None
        and (each.target.schema, *each.target.owned_by) in columns
        else each
        for each in operations
    ]
