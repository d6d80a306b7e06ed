"""Operations on the enum types of columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from townhall.migrate.operations.statements import StatementsOp
from townhall.pg import ddl, sql


@dataclass(frozen=True)
class EnumType:
    """An enum.

    Attributes:
        schema: The schema it is in.
        name: Its name.
        values: Its values, in their order.
    """

    schema: str
    name: str
    values: tuple[str, ...]

    @property
    def literal_name(self) -> str:
        """The name as SQL has it."""
        return f"{sql.quote(self.schema)}.{sql.quote(self.name)}"


class CreateEnumOp(StatementsOp):
    """Create an enum."""

    def __init__(self, enum: EnumType) -> None:
        """Take the enum to create."""
        self.enum = enum

    @property
    def statements(self) -> Sequence[str]:
        """The creation, where there is none."""
        return [ddl.create_enum(self.enum.literal_name, self.enum.values)]

    def reverse(self) -> DropEnumOp:
        """Return the drop of the same enum."""
        return DropEnumOp(self.enum)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Say what it is: ``("create_enum", "public", "mood")``."""
        return ("create_enum", self.enum.schema, self.enum.name)


class DropEnumOp(StatementsOp):
    """Drop an enum."""

    def __init__(self, enum: EnumType) -> None:
        """Take the enum to drop."""
        self.enum = enum

    @property
    def statements(self) -> Sequence[str]:
        """The drop."""
        return [ddl.drop_type(self.enum.literal_name)]

    def reverse(self) -> CreateEnumOp:
        """Return the creation of the same enum."""
        return CreateEnumOp(self.enum)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Say what it is: ``("drop_enum", "public", "mood")``."""
        return ("drop_enum", self.enum.schema, self.enum.name)


class AddValuesOp(StatementsOp):
    """Add values to an enum."""

    def __init__(self, before: EnumType, after: EnumType) -> None:
        """Take the enum as it is and as it will be."""
        self.before, self.after = before, after

    @property
    def statements(self) -> Sequence[str]:
        """One addition for each new value, beside a value that is there."""
        return ddl.add_enum_values(self.after.literal_name, self.before.values, self.after.values)

    def reverse(self) -> KeepValuesOp:
        """Return what leaves the values there."""
        return KeepValuesOp(self)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Say what it is: ``("add_enum_values", "public", "mood", "'c'")``."""
        new = [value for value in self.after.values if value not in self.before.values]
        names = ", ".join(map(sql.literal, new))
        return ("add_enum_values", self.after.schema, self.after.name, names)


class KeepValuesOp(StatementsOp):
    """Leave new values in an enum: PostgreSQL can't take them away."""

    def __init__(self, added: AddValuesOp) -> None:
        """Take what added them."""
        self.added = added

    @property
    def statements(self) -> Sequence[str]:
        """Nothing."""
        return []

    @property
    def why(self) -> str:
        """What stays."""
        return f"PostgreSQL takes no value from an enum: {self.added.after.literal_name} keeps its."

    def reverse(self) -> AddValuesOp:
        """Return what added them."""
        return self.added

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Say what it is: ``("keep_enum_values", "public", "mood")``."""
        return ("keep_enum_values", self.added.after.schema, self.added.after.name)
