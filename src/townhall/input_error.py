"""What is raised for a value that a caller or a user gave and that can't be used."""

from __future__ import annotations


class InputError(ValueError):
    """An argument, a declaration or a setting can't be used; the message says why.

    A command prints the message alone. Any other :class:`ValueError` is a fault of the program,
    which keeps its traceback.

    Attributes:
        column: The column that refuses a value, as ``table.column``; None for anything else.
    """

    column: str | None = None
