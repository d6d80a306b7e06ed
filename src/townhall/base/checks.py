"""Check constraints that many tables have."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import CheckConstraint


def one_of(column: str, vocabulary: type[StrEnum]) -> CheckConstraint:
    """Return the check that a text column holds a value of an enum.

    Args:
        column: The name of the column; it also names the constraint.
        vocabulary: The enum, which is the single source of the allowed values.
    """
    values = ", ".join(f"'{member.value}'" for member in vocabulary)
    return CheckConstraint(f"{column} in ({values})", name=f"{column}_known")


def is_object(column: str) -> CheckConstraint:
    """Return the check that a JSONB column holds an object.

    Args:
        column: The name of the column; it also names the constraint.
    """
    return CheckConstraint(f"jsonb_typeof({column}) = 'object'", name=f"{column}_is_object")
