"""The sentences for what no sentence is declared for: made of names, never of values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column, Table

from townhall.types import BoundedDate, BoundedText, BoundedTime, Document, LabelArray
from townhall.types.bounded_labels import ARRAY_ITEMS
from townhall.types.bounded_text import LABEL_LENGTH
from townhall.types.bounded_time import FIRST_YEAR, LAST_YEAR
from townhall.types.document import DOCUMENT_LEVELS

CONFLICT = "Somebody else was changing the same at the same time. Try it again."
STALE = (
    "This was changed or deleted by somebody else since it was read, or may no longer be read."
    " Read it again."
)
NOT_FOUND = "This does not exist, or you may not see it."
SEVERAL = "There is more than one of these, where one was expected."
STATE = "This is not possible in the present state."
DENIED = "You may not do this."
READ_ONLY = "This only reads: nothing can be changed here."
VALUE = "A value that was given can't be used."
TOO_LARGE = "A value that was given is too large."

_VERBS = {
    "insert": "add this to",
    "update": "make this change in",
    "delete": "delete this from",
    "select": "read",
}


def words(names: Iterable[str]) -> str:
    """Return names of columns in words: ``event and participant``.

    Args:
        names: The names.
    """
    *earlier, last = (each.removesuffix("_id").replace("_", " ").strip() for each in names)
    return f"{', '.join(earlier)} and {last}" if earlier else last


def in_table(table: Table | str | None) -> str:
    """Return a table in words, or words for one that is not known.

    Args:
        table: The table, or its name.
    """
    name = table.name if isinstance(table, Table) else table
    return name.replace("_", " ") if name else "the table"


def denied(command: str, table: Table | str | None) -> str:
    """Return that a command is denied.

    Args:
        command: The command; empty where it is not known.
        table: The table, if it is known.
    """
    verb = _VERBS.get(command)
    if table is None or verb is None:
        return DENIED
    return f"You may not {verb} {in_table(table)}."


def forbidden(columns: Iterable[str], table: Table) -> str:
    """Return that columns may not be set."""
    return f"You may not set {words(columns)} in {in_table(table)}."


def demanded(columns: Iterable[str], table: Table, *, needs_account: bool) -> str:
    """Return that columns of a new row have to be the caller.

    Args:
        columns: The columns.
        table: The table.
        needs_account: Whether users of an anonymous sign-in are refused as well.
    """
    account = " and with an account" if needs_account else ""
    return (
        f"You may add to {in_table(table)} only in your own name{account}: {words(columns)} has to"
        " be your own account."
    )


def left_out(columns: Iterable[str], table: Table) -> str:
    """Return that a new row lacks the columns that have to be the caller."""
    return (
        f"{_first_upper(words(columns))} is missing in {in_table(table)}: it has to be your own"
        " account."
    )


def duplicate(columns: tuple[str, ...], table: Table | str | None) -> str:
    """Return that there is a row with the same values."""
    same = f" with the same {words(columns)}" if columns else ""
    return f"There is already an entry in {in_table(table)}{same}."


def overlap(table: Table | str | None) -> str:
    """Return that a row excludes another one."""
    return f"This can't be together with another entry in {in_table(table)}."


def missing_reference(columns: tuple[str, ...], referred: Table | str | None) -> str:
    """Return that the row that columns refer to does not exist."""
    there = f" in {in_table(referred)}" if referred is not None else ""
    return f"What {words(columns) if columns else 'this'} refers to does not exist{there}."


def still_referred_to(table: Table | str | None) -> str:
    """Return that rows of a table refer to the row that was to be deleted."""
    return f"Entries in {in_table(table)} still refer to this."


def missing(columns: tuple[str, ...]) -> str:
    """Return that a column is null."""
    return f"{_first_upper(words(columns))} is missing." if columns else "A value is missing."


def not_allowed(columns: tuple[str, ...], rule: str | None, table: Table | str | None) -> str:
    """Return that values of columns break a check.

    Args:
        columns: The columns.
        rule: The name of the check.
        table: The table.
    """
    match columns:
        case ():
            name = rule.replace("_", " ") if rule else "a rule"
            return f"A value can't be used in {in_table(table)}: it breaks {name}."
        case (column,):
            return f"{_first_upper(words([column]))} has a value that is not allowed."
    return f"{_first_upper(words(columns))} do not fit together."


def invalid_parts(column: str, paths: Iterable[str]) -> str:
    """Return that parts of a document are not valid.

    Args:
        column: The column.
        paths: The paths of the parts.
    """
    parts = ", ".join(paths)
    return f"{_first_upper(words([column]))} is not valid" + (f": see {parts}." if parts else ".")


def bounds(column: Column[Any]) -> str:
    """Return the bounds of a column."""
    return f"{_first_upper(words([column.name]))} has to be {_bounds_in_words(column)}."


def too_large(column: Column[Any]) -> str:
    """Return that a value exceeds the bounds of a column."""
    return (
        f"{_first_upper(words([column.name]))} is too large: it can be {_bounds_in_words(column)}."
    )


def _bounds_in_words(column: Column[Any]) -> str:
    match column.type:
        case BoundedText(length=length, must_show=must_show):
            return f"text of at most {length:,} characters" + (
                ", not all of them blank" if must_show else ""
            )
        case LabelArray():
            return f"a list of at most {ARRAY_ITEMS} items of at most {LABEL_LENGTH} characters"
        case Document(size=int(size)):
            return (
                f"an object of at most {size // 1024:,} kB and {DOCUMENT_LEVELS} levels, with"
                " finite numbers"
            )
        case BoundedTime():
            return f"a time in the years {FIRST_YEAR} to {LAST_YEAR}"
        case BoundedDate():
            return "a date in the years 1 to 9999"
    return "within its bounds"


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]
