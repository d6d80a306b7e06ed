"""Enums."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from sqlalchemy import Connection, Enum

from townhall.pg import catalog, ddl, sql
from townhall.pg.alterable import Previous
from townhall.pg.data_type import SHARED_COLUMNS, DataType, shared_values, types_of_kind


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class EnumType(DataType):
    """An enum.

    The enums of columns are declared by these. One that no column has, or that has a comment or
    privileges, is declared by this class; with the same values, if a column has it as well.

    Attributes:
        values: The values, in their order. New ones may be added in any place; PostgreSQL can
            neither remove nor move one while a column has the type.
    """

    kind: ClassVar[str] = "enum"
    letter: ClassVar[str] = "e"

    values: tuple[str, ...]

    @classmethod
    def of(cls, enum: Enum, comment: str | None = None) -> Self:
        """Return the type of a column's enum.

        Args:
            enum: An enum of SQLAlchemy, with a name.
            comment: What the type is for.
        """
        return cls(
            schema=enum.schema or "public",
            name=sql.shortened(str(enum.name)),
            values=tuple(enum.enums),
            comment=comment,
        )

    def __post_init__(self) -> None:
        """Refuse values that PostgreSQL would refuse.

        Raises:
            InputError: A value is given twice, or is too long.
        """
        super().__post_init__()
        if len({*self.values}) < len(self.values):
            self._refuse("a value is given twice")
        for value in self.values:
            if value and not sql.is_name(value):
                self._refuse(f"{value!r} is longer than 63 bytes, or has a zero byte")

    def _definition(self) -> str:
        values = ", ".join(map(sql.literal, self.values))
        return f"create type {self.literal_name} as enum ({values})"

    def can_alter(self, previous: Previous) -> bool:
        """Tell whether values are only added."""
        return bool(self._kept(previous) == previous.values)

    def _kept(self, previous: Previous) -> tuple[str, ...]:
        return tuple(value for value in self.values if value in previous.values)

    def _changes(self, previous: Previous) -> Iterable[str]:
        if not self.values or self._kept(previous) != previous.values:
            return []  # they stay
        if not previous.values:
            value = sql.literal(self.values[0])
            first = f"alter type {self.literal_name} add value if not exists {value}"
            return [first, *ddl.add_enum_values(self.literal_name, self.values[:1], self.values)]
        return ddl.add_enum_values(self.literal_name, previous.values, self.values)

    def why_not_restored(self, previous: Previous) -> str | None:
        """Return why the values that were added stay."""
        if previous.values == self.values or not previous.can_alter(self):
            return None
        return f"PostgreSQL can't remove values of an enum: those of {self.literal_name} stay."

    def why_not_altered(self, previous: Previous) -> str:
        """Return why values can't be removed or moved."""
        return (
            f"it has the values {', '.join(previous.values)}; declared: {', '.join(self.values)}."
            " PostgreSQL can neither remove nor move values of an enum that columns have"
        )

    @classmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> Sequence[Self]:
        """Return the enums in ``schemas``."""
        return [
            cls.found(**shared_values(row), values=tuple(row["values"]))
            for row in catalog.rows(connection, _QUERY, schemas)
        ]


_QUERY = f"""
    select
        {SHARED_COLUMNS},
        array(
            select e.enumlabel::text
            from pg_catalog.pg_enum as e
            where e.enumtypid = t.oid
            order by e.enumsortorder
        ) as values
    {types_of_kind("e")}
"""
