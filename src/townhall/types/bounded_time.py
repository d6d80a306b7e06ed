"""Times and dates that Python can load."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, Date, DateTime, Dialect, Text, cast, func, type_coerce

from townhall.types.bounded import Bounded
from townhall.types.unreadable import Unreadable

_Value = TypeVar("_Value", bound=date)

FIRST_YEAR, LAST_YEAR = 2, 9998
"""The years, in UTC, of times that every time zone can show."""


class _Read(Bounded[_Value]):
    """A type that is read as ISO 8601 text, in which infinity and years before Christ arrive too.

    The driver would raise an error for the whole page of rows.
    """

    __abstract__ = True

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the text that is selected; JSON's does not depend on the setting DateStyle."""
        return type_coerce(cast(func.pg_catalog.to_json(column), Text), self)


class BoundedTime(_Read[datetime]):
    """A ``timestamptz`` column whose times every time zone can show."""

    impl = DateTime
    cache_ok = True

    def __init__(self) -> None:
        """Limit the time."""
        super().__init__(timezone=True)

    def condition(self, column: Column[Any]) -> str:
        """Return the condition on the year."""
        year = f"extract(year from {column.name} at time zone 'UTC')"
        return f"{year} between {FIRST_YEAR} and {LAST_YEAR}"

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401 - a time
        """Return the time in UTC.

        Raises:
            InputError: It has no time zone, or is in no year of UTC.
        """
        del dialect
        if not isinstance(value, datetime):
            return _stored(value)
        if value.tzinfo is None:
            self.refuse(f"needs a time with a time zone, not {value}")
        try:
            return value.astimezone(UTC)
        except OverflowError:
            self.refuse(f"can't hold {value}, which is in none of the years 1 to 9999 of UTC")

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401 - a time
        """Return the time, or what can't be read."""
        del dialect
        return _loaded(value, datetime.fromisoformat)


class BoundedDate(_Read[date]):
    """A ``date`` column whose dates Python has."""

    impl = Date
    cache_ok = True

    def condition(self, column: Column[Any]) -> str:
        """Return the condition on the date."""
        return f"{column.name} between '{date.min}' and '{date.max}'"

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401 - a date
        """Return the date to store."""
        del dialect
        return _stored(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401 - a date
        """Return the date, or what can't be read."""
        del dialect
        return _loaded(value, date.fromisoformat)


def _stored(value: Any) -> Any:  # noqa: ANN401 - a value of any type
    return value.raw if isinstance(value, Unreadable) else value


def _loaded(value: Any, load: Callable[[str], date]) -> Any:  # noqa: ANN401 - a value of any type
    if not isinstance(value, str):  # null, or loaded by the driver for a statement as text
        return value
    text = value.strip('"')  # JSON's
    try:
        return load(text)
    except ValueError:
        return Unreadable(text)
