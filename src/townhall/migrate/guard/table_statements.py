"""Tables as statements create them: what ``create table`` says of columns and constraints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from townhall.pg import sql
from townhall.pg.catalog import TableName
from townhall.pg.layout import pieces, without_comments

_IDENTIFIER = r'(?:"(?:[^"]|"")*"|[^\s",.();]+)'
_TABLE = re.compile(
    r"\s*create\s+(?P<unlogged>unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?"
    rf"(?P<schema>{_IDENTIFIER})\.(?P<name>{_IDENTIFIER})\s*(?=\()",
    re.IGNORECASE,
)
_NAME = re.compile(rf"\s*({_IDENTIFIER})\s+")
_CONSTRAINT = re.compile(rf"\s*constraint\s+(?P<name>{_IDENTIFIER})\s+", re.IGNORECASE)
_KINDS = {"primary": "p", "unique": "u", "foreign": "f", "check": "c", "exclude": "x"}
_REFERENCED = re.compile(
    rf"\breferences\s+(?:{_IDENTIFIER}\s*\.\s*)?(?P<name>{_IDENTIFIER})", re.IGNORECASE
)
_CLAUSE = re.compile(
    r"\s(collate|compression|storage|generated|default|constraint|not\s+null|null|primary\s+key"
    r"|unique|references|check|deferrable|initially)\b",
    re.IGNORECASE,
)
_PART_OF_TIME = "(year|month|day|hour|minute|second)"
_TYPE = re.compile(
    rf"({_IDENTIFIER}\.)?{_IDENTIFIER}( (varying|precision|{_PART_OF_TIME}( to {_PART_OF_TIME})?))?"
    r"( ?\([\w, -]+\))?( with(out)? time zone)?(\[\])*",
    re.IGNORECASE,
)
_NOT_NULL = re.compile(r"\s(not\s+null|primary\s+key)\b", re.IGNORECASE)
_DEFAULT = re.compile(r"(?<!\sby)\sdefault\b", re.IGNORECASE)
_IDENTITY = re.compile(r"\sgenerated\s+(always|by\s+default)\s+as\s+identity\b", re.IGNORECASE)
_GENERATED = re.compile(r"\sgenerated\s+always\s+as\s*\.", re.IGNORECASE)
_NOT_PLAIN = re.compile(r"\b(partition\s+by|inherits)\b", re.IGNORECASE)


@dataclass(frozen=True)
class StatedColumn:
    """A column.

    Attributes:
        name: Its name.
        type: Its type, as it is written.
        is_not_null: Whether it refuses NULL.
        has_default: Whether it has a default.
        is_generated: Whether its values are computed.
        identity: Which identity column it is, as in ``pg_attribute``.
    """

    name: str
    type: str
    is_not_null: bool
    has_default: bool
    is_generated: bool = False
    identity: Literal["", "a", "d"] = ""


@dataclass(frozen=True)
class StatedConstraint:
    """A constraint with a name.

    Attributes:
        name: Its name.
        kind: Its kind, as in ``pg_constraint``.
        columns: The columns of a key or a foreign key.
        references: The table that a foreign key references.
    """

    name: str
    kind: str
    columns: tuple[str, ...]
    references: str | None


@dataclass(frozen=True)
class StatedTable:
    """A table.

    Attributes:
        name: Its schema and name.
        columns: Its columns; those that are written in a way that is not known are left out.
        constraints: Its constraints, as far as they have names.
        is_plain: Whether it is neither unlogged nor partitioned, and inherits from no other one.
    """

    name: TableName
    columns: Sequence[StatedColumn]
    constraints: Sequence[StatedConstraint]
    is_plain: bool = True


def stated_table(statement: str) -> StatedTable | None:
    """Return the table that a statement creates, or None where it creates none.

    Args:
        statement: SQL.
    """
    text = without_comments(statement)
    found = _TABLE.match(text)
    if found is None:
        return None
    elements = _elements(text[found.end() :])
    is_plain = not (found["unlogged"] or _NOT_PLAIN.search(_without_inner(text[found.end() :])))
    return StatedTable(
        (sql.unquote(found["schema"]), sql.unquote(found["name"])),
        [each for each in map(_column, elements) if each is not None],
        [each for each in map(_constraint, elements) if each is not None],
        is_plain,
    )


def type_of(definition: str) -> str | None:
    """Return the type that a column's definition begins with, or None where its form is not known.

    Args:
        definition: SQL, without the column's name.
    """
    clause = _CLAUSE.search(_without_inner(definition))
    type_ = " ".join(definition[: clause.start() if clause else None].split())
    return type_ if _TYPE.fullmatch(type_) else None


def _column(element: str) -> StatedColumn | None:
    name = _NAME.match(element)
    if name is None or name[1].lower() in {*_KINDS, "constraint", "like"}:
        return None
    # A blank in front, so that each word has one.
    rest = f" {element[name.end() :]} "
    shown = _without_inner(rest)
    type_ = type_of(rest)
    if type_ is None:
        return None
    return StatedColumn(
        sql.unquote(name[1]),
        type_,
        _NOT_NULL.search(shown) is not None,
        _DEFAULT.search(shown) is not None,
        _GENERATED.search(shown) is not None,
        _identity(shown),
    )


def _identity(shown: str) -> Literal["", "a", "d"]:
    found = _IDENTITY.search(shown)
    if found is None:
        return ""
    return "a" if found[1].lower() == "always" else "d"


def _constraint(element: str) -> StatedConstraint | None:
    named = _CONSTRAINT.match(element)
    if named is None:
        return None
    definition = element[named.end() :]
    kind = _KINDS.get(definition.split(None, 1)[0].lower())
    if kind is None:
        return None
    is_key = kind in {"p", "u", "f"}
    referenced = _REFERENCED.search(definition) if kind == "f" else None
    listed = _elements(definition) if is_key else []
    return StatedConstraint(
        sql.unquote(named["name"]),
        kind,
        tuple(sql.unquote(each.strip()) for each in listed),
        sql.unquote(referenced["name"]) if referenced is not None else None,
    )


def _elements(text: str) -> Sequence[str]:
    """Return the elements of the first list in parentheses."""
    shown = _without_inner(text, depth=1)
    start, end = shown.find("(") + 1, shown.find(")")
    if start == 0 or end < 0:
        return []
    found = []
    while (comma := shown.find(",", start, end)) >= 0:
        found.append(text[start:comma])
        start = comma + 1
    return [*found, text[start:end]]


def _without_inner(text: str, depth: int = 0) -> str:
    """Return SQL with dots for what stands in quotes, or in more parentheses than a number."""
    now, shown = 0, ""
    for piece, is_opaque in pieces(text):
        for character in piece:
            before = now
            now += 0 if is_opaque else {"(": 1, ")": -1}.get(character, 0)
            shown += "." if is_opaque or max(before, now) > depth else character
    return shown
