"""Numbers without decimals."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import Dialect, Numeric, TypeDecorator


class WholeNumber(TypeDecorator[int]):
    """A ``numeric`` without decimals that Python reads as an ``int``, such as a sum of integers."""

    impl = Numeric
    cache_ok = True

    def process_result_value(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Return the number, however many digits it has."""
        del dialect
        return None if value is None else int(value)
