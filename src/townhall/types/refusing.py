"""Types that refuse a value before it is sent."""

from __future__ import annotations

from typing import NoReturn, TypeVar

from sqlalchemy import TypeDecorator

from townhall.input_error import InputError

_Value = TypeVar("_Value")


class Refusing(TypeDecorator[_Value]):
    """A type that names the column of what it refuses."""

    __abstract__ = True
    cache_ok = True

    column_name = "the value"
    """The column that an error names."""

    def refuse(self, reason: str) -> NoReturn:
        """Refuse a value of the column.

        Args:
            reason: What is wrong with it, after the name of the column.

        Raises:
            InputError: Always.
        """
        error = InputError(f"{self.column_name} {reason}")
        error.column = self.column_name if "." in self.column_name else None
        raise error
