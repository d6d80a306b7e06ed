"""Times and dates that Python can load."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, Date, DateTime

from townhall.types.bounded import Bounded

FIRST_YEAR, LAST_YEAR = 2, 9998
"""The years, in UTC, of times that every time zone can show."""


class BoundedTime(Bounded[datetime]):
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


class BoundedDate(Bounded[date]):
    """A ``date`` column whose dates Python has."""

    impl = Date
    cache_ok = True

    def condition(self, column: Column[Any]) -> str:
        """Return the condition on the date."""
        return f"{column.name} between '{date.min}' and '{date.max}'"
