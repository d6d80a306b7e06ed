"""Stored values that a type can't load."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.mutable import MutableBase

_SHOWN = 60


@dataclass(frozen=True, repr=False)
class Unreadable(MutableBase):
    """A stored value that the type of its column can't load, such as a number beyond Python's.

    It stands in the place of the value, so that one such row does not make a query of many rows
    fail, and is false. Rows with it can be changed and stored; the value itself stays as it is. An
    attribute can't be set to it.

    Attributes:
        raw: The value, as PostgreSQL writes it.
    """

    raw: str

    def __repr__(self) -> str:
        """Show the beginning of the value."""
        shown = self.raw if len(self.raw) <= _SHOWN else f"{self.raw[:_SHOWN]}…"
        return f"Unreadable({shown!r})"

    def __bool__(self) -> bool:
        """Return False, since there is no value that could be used."""
        return False

    def __reduce__(self) -> tuple[type[Unreadable], tuple[str]]:
        """Leave out the rows that the value belongs to, which SQLAlchemy keeps with it."""
        return type(self), (self.raw,)
