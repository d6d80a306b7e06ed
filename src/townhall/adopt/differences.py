"""How an existing table differs from the declared one, a class for each kind of difference."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from townhall.adopt.conversions import Conversion
from townhall.adopt.identities import identity
from townhall.pg import sql
from townhall.pg.catalog import Column, Constraint, Index, TableName, Tie


@dataclass(frozen=True)
class Difference(ABC):
    """A difference of an existing table from the declared one.

    Attributes:
        table: Schema and name of the table.
    """

    table: TableName

    @property
    @abstractmethod
    def identity(self) -> str:
        """The object that differs, quoted as SQL: ``constraint public.profiles profiles_pkey``."""


@dataclass(frozen=True)
class _ColumnDifference(Difference):
    """A difference of one column."""

    @property
    @abstractmethod
    def _name(self) -> str:
        """The name of the column."""

    @property
    def column_name(self) -> str:
        """The column as SQL and decisions name it: ``public.profiles.stage``."""
        return sql.qualified(*self.table, self._name)

    @property
    def identity(self) -> str:
        """The column: ``column public.profiles.stage``."""
        return identity("column", *self.table, self._name)


@dataclass(frozen=True)
class NoTable(Difference):
    """What has the name of a declared table is no ordinary table.

    Attributes:
        kind: What it is: ``view``, ``partitioned table``, ``unlogged table``, ``index``.
    """

    kind: str

    @property
    def identity(self) -> str:
        """The relation: ``view public.profiles``."""
        return identity(self.kind, *self.table)


@dataclass(frozen=True)
class TiedTable(Difference):
    """A table that shares its columns with another one or with a type, where one alone is declared.

    Attributes:
        tie: What it shares them with.
    """

    tie: Tie

    @property
    def identity(self) -> str:
        """The table: ``table public.profiles``."""
        return identity("table", *self.table)


@dataclass(frozen=True)
class MissingColumn(_ColumnDifference):
    """A declared column that the table does not have.

    Attributes:
        column: The column as declared.
    """

    column: Column

    @property
    def _name(self) -> str:
        return self.column.name

    @property
    def needs_fill(self) -> bool:
        """Whether nothing says what existing rows get, and they may not have NULL."""
        column = self.column
        has_value = column.default or column.computed or column.identity or column.sequence
        return not column.is_nullable and not has_value


@dataclass(frozen=True)
class _OtherColumn(_ColumnDifference):
    """A column that the table has in another shape.

    Attributes:
        declared: The column as declared.
        actual: The column as it is.
    """

    declared: Column
    actual: Column

    @property
    def _name(self) -> str:
        return self.declared.name


@dataclass(frozen=True)
class OtherType(_OtherColumn):
    """A column with another type or collation.

    Attributes:
        conversion: How its values become values of the declared type.
    """

    conversion: Conversion


@dataclass(frozen=True)
class DomainDefault(_OtherColumn):
    """A column that takes its default from its domain, and gets another type."""


@dataclass(frozen=True)
class DomainCheck(Difference):
    """What the domain of a column says of its values, where the column gets another type.

    Attributes:
        constraint: The same as a constraint of the table.
        is_implied: Whether the column is declared to refuse NULL, as the domain does.
    """

    constraint: Constraint
    is_implied: bool

    @property
    def identity(self) -> str:
        """The constraint that says it: ``constraint public.profiles profiles_age_check``."""
        return identity("constraint", *self.table, self.constraint.name)


@dataclass(frozen=True)
class AcceptsNull(_OtherColumn):
    """A column that accepts NULL, and is declared not to."""


@dataclass(frozen=True)
class RefusesNull(_OtherColumn):
    """A column that refuses NULL, and is declared to accept it: declared inserts fail."""


@dataclass(frozen=True)
class OtherDefault(_OtherColumn):
    """A column with another default.

    Attributes:
        means_the_same: Whether both give the same values, such as two functions for random UUIDs.
    """

    means_the_same: bool


@dataclass(frozen=True)
class OtherGeneration(_OtherColumn):
    """A column that is generated or an identity column and the other is not, or differently."""

    @property
    def keeps_values(self) -> bool:
        """Whether its values stay when it is made as declared: no expression computes them then."""
        return self.declared.computed is None


@dataclass(frozen=True)
class OtherNumbers(_OtherColumn):
    """A column that is declared to count up, and has no sequence of its own or another one."""


@dataclass(frozen=True)
class UnfilledColumn(_ColumnDifference):
    """A column that is not declared, refuses NULL and has no default: declared inserts fail.

    Attributes:
        column: The column.
    """

    column: Column

    @property
    def _name(self) -> str:
        return self.column.name


@dataclass(frozen=True)
class OtherName(Difference):
    """A constraint or an index that is declared by its definition, and has another name.

    Attributes:
        declared: What is declared.
        actual: What the table has. A constraint may have to be validated as well.
    """

    declared: Constraint | Index
    actual: Constraint | Index

    @property
    def kind(self) -> str:
        """``constraint`` or ``index``."""
        return "constraint" if isinstance(self.actual, Constraint) else "index"

    @property
    def identity(self) -> str:
        """What is to be renamed: ``constraint public.profiles profiles_pkey``."""
        return identity(self.kind, *self.table, self.actual.name)


@dataclass(frozen=True)
class NotValidated(Difference):
    """A declared constraint that existing rows were not checked for.

    Attributes:
        declared: The constraint as declared.
        actual: The constraint as it is, perhaps with another name, which is another difference.
    """

    declared: Constraint
    actual: Constraint

    @property
    def identity(self) -> str:
        """The constraint: ``constraint public.profiles profiles_pkey``."""
        return identity("constraint", *self.table, self.actual.name)


@dataclass(frozen=True)
class OtherConstraint(Difference):
    """A constraint about the same as a declared one, under its name or another, and not equal.

    Attributes:
        declared: The constraint that takes its place.
        actual: The constraint that goes.
        means_the_same: Whether the same rows satisfy both.
    """

    declared: Constraint
    actual: Constraint
    means_the_same: bool

    @property
    def identity(self) -> str:
        """The constraint that goes: ``constraint public.profiles profiles_id_fkey``."""
        return identity("constraint", *self.table, self.actual.name)


@dataclass(frozen=True)
class IndexForConstraint(Difference):
    """A unique index that can become the key that is declared, with its name.

    Attributes:
        declared: The primary key or unique constraint.
        actual: The unique index, which belongs to no constraint.
    """

    declared: Constraint
    actual: Index

    @property
    def identity(self) -> str:
        """The index: ``index public.profiles profiles_id_idx``."""
        return identity("index", *self.table, self.actual.name)


@dataclass(frozen=True)
class MissingConstraint(Difference):
    """A declared constraint that the table does not have under any name.

    Attributes:
        constraint: The constraint as declared.
    """

    constraint: Constraint

    @property
    def identity(self) -> str:
        """The constraint: ``constraint public.profiles tier_is_known``."""
        return identity("constraint", *self.table, self.constraint.name)


@dataclass(frozen=True)
class UndeclaredConstraint(Difference):
    """A constraint that is not declared: it may refuse rows that are.

    Attributes:
        constraint: The constraint.
        replaced_by: The declared unique index that takes its place, if one does.
    """

    constraint: Constraint
    replaced_by: Index | None = None

    @property
    def identity(self) -> str:
        """The constraint: ``constraint public.profiles username_length``."""
        return identity("constraint", *self.table, self.constraint.name)


@dataclass(frozen=True)
class OtherIndex(Difference):
    """An index with the name or the meaning of a declared one that is not equal.

    Attributes:
        declared: The index that takes its place.
        actual: The index that goes; it may be invalid.
    """

    declared: Index
    actual: Index

    @property
    def identity(self) -> str:
        """The index that goes: ``index public.profiles profiles_stage_idx``."""
        return identity("index", *self.table, self.actual.name)


@dataclass(frozen=True)
class MissingIndex(Difference):
    """A declared index that the table does not have under any name.

    Attributes:
        index: The index as declared.
    """

    index: Index

    @property
    def identity(self) -> str:
        """The index: ``index public.profiles profiles_stage_idx``."""
        return identity("index", *self.table, self.index.name)


@dataclass(frozen=True)
class UndeclaredIndex(Difference):
    """An index that is not declared; a unique one may refuse rows that are.

    Attributes:
        index: The index.
    """

    index: Index

    @property
    def identity(self) -> str:
        """The index: ``index public.profiles profiles_stage_idx``."""
        return identity("index", *self.table, self.index.name)
