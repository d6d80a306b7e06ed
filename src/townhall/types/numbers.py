"""Numbers that are refused with the name of the column where PostgreSQL's type can't hold them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, Numeric

from townhall.types.bounded import Bounded


class BoundedInteger(Bounded[int]):
    """An ``integer`` column."""

    impl = Integer
    cache_ok = True
    bits = 32

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401 - a number
        """Return the number.

        Raises:
            InputError: The type can't hold it.
        """
        del dialect
        limit = 1 << (self.bits - 1)
        if isinstance(value, int) and not -limit <= value < limit:
            self.refuse(f"can't hold a number beyond {self.bits} bits")
        return value


class BoundedBigInteger(BoundedInteger):
    """A ``bigint`` column."""

    impl = BigInteger
    cache_ok = True
    bits = 64


class ExactNumeric(Bounded[Decimal]):
    """A ``numeric`` column that stores a number as it is, or not at all.

    PostgreSQL would round it to the decimals of the column.
    """

    impl = Numeric
    cache_ok = True

    def __init__(self, precision: int, scale: int) -> None:
        """Set the digits.

        Args:
            precision: The number of digits.
            scale: The number of decimals.
        """
        super().__init__(precision, scale)
        self.precision = precision
        self.scale = scale

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401 - a number
        """Return the number.

        Raises:
            InputError: The column can't hold it exactly.
        """
        del dialect
        if isinstance(value, Decimal) and value.is_nan():
            return Decimal("NaN")  # the table's check refuses it
        if isinstance(value, Decimal | int) and not self._holds(Decimal(value)):
            self.refuse(
                f"can't hold {value}: it has {self.precision} digits, {self.scale} of them"
                " decimals; round the number first"
            )
        return value

    def _holds(self, value: Decimal) -> bool:
        _, digits, exponent = value.as_tuple()
        if not isinstance(exponent, int):  # infinity
            return False
        excess = -exponent - self.scale
        is_small = not value or value.adjusted() < self.precision - self.scale
        return is_small and (excess <= 0 or not any(digits[-excess:]))
