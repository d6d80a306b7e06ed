"""What the types of bounded columns have in common."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import CheckConstraint, Column, Table
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeEngine

from townhall.types.refusing import Refusing

_Value = TypeVar("_Value")

_BOUNDED = "bounded_column"


class Bounded(Refusing[_Value]):
    """A type whose columns have a check, named ``<column>_bounds``, of what they may hold.

    What no column of PostgreSQL's type could hold is refused with the name of the column before it
    is sent. ``townhall.base.Base`` adds the check to the table; call :func:`add_bounds` for a table
    of another base.
    """

    __abstract__ = True
    cache_ok = True

    def condition(self, column: Column[Any]) -> str | None:
        """Return the condition in SQL that every value of a column fulfils, if it needs one.

        Args:
            column: A column of this type.
        """
        del column
        return None

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


def bounds_of(column: Column[Any]) -> str | None:
    """Return the condition of the check of a column, if it has one.

    A foreign key needs none: the key that it refers to has bounds.

    Args:
        column: A column of a declared table.
    """
    if not isinstance(column.type, Bounded) or column.foreign_keys:
        return None
    condition: str | None = column.type.condition(column)
    return condition


def bounded_column(check: CheckConstraint) -> str | None:
    """Return the name of the column whose bounds a check is about, if it is such a check.

    Args:
        check: A check of a declared table.
    """
    name = check.info.get(_BOUNDED)
    return name if isinstance(name, str) else None


def add_bounds(table: Table) -> None:
    """Add the checks of bounded columns to a table that does not have them yet.

    Its types learn the names of their columns, for what they refuse.

    Args:
        table: A declared table.
    """
    checks = (each for each in table.constraints if isinstance(each, CheckConstraint))
    present = {bounded_column(each) for each in checks}
    for column in table.columns:
        if isinstance(column.type, Refusing):
            column.type.column_name = f"{table.name}.{column.name}"
        if not isinstance(column.type, Bounded) or column.name in present:
            continue
        condition = bounds_of(column)
        if condition is not None:
            check = CheckConstraint(
                condition, name=f"{column.name}_bounds", info={_BOUNDED: column.name}
            )
            table.append_constraint(check)
