"""Operations on the enum types of columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from townhall.migrate.operations.statements import StatementsOp
from townhall.pg import ddl, sql


@dataclass(frozen=True)
class EnumType:
    """An enum type.

    Attributes:
        schema: Its schema.
        name: Its name.
        values: Its values, in order.
    """

    schema: str
    name: str
    values: tuple[str, ...]

    @property
    def literal_name(self) -> str:
        """The qualified identifier."""
        return f"{sql.quote(self.schema)}.{sql.quote(self.name)}"


class CreateEnumOp(StatementsOp):
    """Create an enum."""

    def __init__(self, enum: EnumType) -> None:
        """Take the enum to create."""
        self.enum = enum

    @property
    def statements(self) -> Sequence[str]:
        """``create type``, unless it exists."""
        return [ddl.create_enum(self.enum.literal_name, self.enum.values)]

    def reverse(self) -> DropEnumOp:
        """Return the drop of the same enum."""
        return DropEnumOp(self.enum)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("create_enum", "public", "mood")``."""
        return ("create_enum", self.enum.schema, self.enum.name)


class DropEnumOp(StatementsOp):
    """Drop an enum."""

    def __init__(self, enum: EnumType) -> None:
        """Take the enum to drop."""
        self.enum = enum

    @property
    def statements(self) -> Sequence[str]:
        """``drop type``."""
        return [ddl.drop_type(self.enum.literal_name)]

    def reverse(self) -> CreateEnumOp:
        """Return the creation of the same enum."""
        return CreateEnumOp(self.enum)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("drop_enum", "public", "mood")``."""
        return ("drop_enum", self.enum.schema, self.enum.name)


class AddValuesOp(StatementsOp):
    """Add values to an enum."""

    def __init__(self, previous: EnumType, target: EnumType) -> None:
        """Take the enum without the values and with them."""
        self.previous, self.target = previous, target

    @property
    def statements(self) -> Sequence[str]:
        """``alter type … add value`` for each added value."""
        return ddl.add_enum_values(
            self.target.literal_name, self.previous.values, self.target.values
        )

    def reverse(self) -> KeepValuesOp:
        """Return the operation that keeps the values."""
        return KeepValuesOp(self)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("add_enum_values", "public", "mood", "'c'")``."""
        added = [value for value in self.target.values if value not in self.previous.values]
        names = ", ".join(map(sql.literal, added))
        return ("add_enum_values", self.target.schema, self.target.name, names)


class KeepValuesOp(StatementsOp):
    """Keep added values of an enum, because PostgreSQL can't remove them."""

    def __init__(self, added: AddValuesOp) -> None:
        """Take the operation that added them."""
        self.added = added

    @property
    def statements(self) -> Sequence[str]:
        """None."""
        return []

    @property
    def why(self) -> str:
        """Why nothing is done."""
        return f"PostgreSQL can't remove values of an enum: {self.added.target.literal_name} stays."

    def reverse(self) -> AddValuesOp:
        """Return the operation that added them."""
        return self.added

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("keep_enum_values", "public", "mood")``."""
        return ("keep_enum_values", self.added.target.schema, self.added.target.name)
