"""What an exception is explained as."""

from __future__ import annotations

from dataclasses import dataclass

from townhall.refusals import Kind


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What happened, and what to tell the person to whom it happened.

    Attributes:
        kind: The kind.
        sentence: A sentence in plain English, with names of tables and columns in words and
            without values of rows, which may be personal data.
        original: The exception that was explained.
        table: The table; with its schema, ``auth.users``, where that is not ``public``.
        columns: The columns, in the order of the constraint.
        constraint: The constraint, the unique index, or the rule of a function.
    """

    kind: Kind
    sentence: str
    original: BaseException
    table: str | None = None
    columns: tuple[str, ...] = ()
    constraint: str | None = None
