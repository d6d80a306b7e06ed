"""What the types of bounded columns have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, TypeVar

from sqlalchemy import CheckConstraint, Column, Table, TypeDecorator
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeEngine

_Value = TypeVar("_Value")

_BOUNDED = "bounded_column"


class Bounded(TypeDecorator[_Value]):
    """A type whose columns have a check, named ``<column>_bounds``, of what they may hold.

    ``townhall.base.Base`` adds the check to the table; call :func:`add_bounds` for a table of
    another base.
    """

    __abstract__ = True
    cache_ok = True

    @abstractmethod
    def condition(self, column: Column[Any]) -> str:
        """Return the condition in SQL that every value of a column fulfils.

        Args:
            column: A column of this type.
        """

    @property
    def python_type(self) -> type[Any]:
        """The type of the values, as without bounds."""
        return self.impl_instance.python_type

    def coerce_compared_value(
        self,
        op: OperatorType | None,
        value: Any,  # noqa: ANN401 - what a column is compared with
    ) -> TypeEngine[Any]:
        """Return the type of the other operand, as for the type without bounds."""
        return self.impl_instance.coerce_compared_value(op, value)


def add_bounds(table: Table) -> None:
    """Add the checks of bounded columns to a table that does not have them yet.

    A foreign key needs none: the key that it refers to has bounds.

    Args:
        table: A declared table.
    """
    present = {constraint.info.get(_BOUNDED) for constraint in table.constraints}
    for column in table.columns:
        is_added = column.name in present or column.foreign_keys
        if isinstance(column.type, Bounded) and not is_added:
            check = CheckConstraint(
                column.type.condition(column),
                name=f"{column.name}_bounds",
                info={_BOUNDED: column.name},
            )
            table.append_constraint(check)
