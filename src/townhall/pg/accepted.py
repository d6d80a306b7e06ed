"""Dangers that were looked at and accepted."""

from __future__ import annotations

from dataclasses import dataclass

from townhall.input_error import InputError


@dataclass(frozen=True)
class Accepted:
    """A danger that ``townhall check`` no longer tells of.

    Attributes:
        danger: The kind, as the report names it: ``view runs as owner``.
        object: The object, as the report names it: ``materialized view public.totals``.
        reason: Why it does no harm.
    """

    danger: str
    object: str
    reason: str

    def __post_init__(self) -> None:
        """Refuse what gives no reason.

        Raises:
            InputError: The reason is empty.
        """
        if not self.reason.strip():
            raise InputError(f"{self.object}: say in reason why {self.danger!r} does no harm there")
