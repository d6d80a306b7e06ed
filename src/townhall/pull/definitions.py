"""Constraints and indexes taken apart, as PostgreSQL writes their definitions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from townhall.pg import sql
from townhall.pg.layout import marks, separated

_REMEMBERED = 4096
"""How many definitions are remembered: each is taken apart several times."""

_NAME = r'(?:"(?:[^"]|"")*"|[^\s",.()]+)'
_NAMES = rf"\({_NAME}(?:, {_NAME})*\)"
_PERIOD_NAMES = rf"\({_NAME}(?:, (?:PERIOD )?{_NAME})*\)"
_DEFERRED = r"(?P<deferrable> DEFERRABLE)?(?P<deferred> INITIALLY DEFERRED)?"
_KEY = re.compile(
    rf"(?:PRIMARY KEY|UNIQUE)(?P<nulls> NULLS NOT DISTINCT)?"
    rf" \((?P<columns>{_NAME}(?:, {_NAME})*)(?P<overlaps> WITHOUT OVERLAPS)?\)"
    rf"(?: INCLUDE (?P<include>{_NAMES}))?{_DEFERRED}"
)
_ACTION = rf"(?:CASCADE|RESTRICT|NO ACTION|SET NULL|SET DEFAULT)(?: {_NAMES})?"
_FOREIGN_KEY = re.compile(
    rf"FOREIGN KEY (?P<columns>{_PERIOD_NAMES})"
    rf" REFERENCES (?:(?P<schema>{_NAME})\.)?(?P<table>{_NAME})(?P<referred>{_PERIOD_NAMES})"
    rf"(?P<match> MATCH FULL)?(?: ON UPDATE (?P<update>{_ACTION}))?"
    rf"(?: ON DELETE (?P<delete>{_ACTION}))?{_DEFERRED}(?P<not_enforced> NOT ENFORCED)?"
    r"(?P<not_valid> NOT VALID)?"
)
_CHECK = re.compile(
    r"CHECK \((?P<condition>.+)\)(?P<no_inherit> NO INHERIT)?"
    r"(?P<not_enforced> NOT ENFORCED)?(?P<not_valid> NOT VALID)?",
    re.DOTALL,
)
_EXCLUDE = re.compile(rf"EXCLUDE USING (?P<method>{_NAME}) (?=\()")
_WHERE = re.compile(rf"(?: WHERE \((?P<where>.+)\))?{_DEFERRED}", re.DOTALL)
_INDEX = re.compile(r" USING (?P<method>\w+) (?=\()")
_AFTER_COLUMNS = re.compile(
    rf"(?: INCLUDE (?P<include>{_NAMES}))?(?P<nulls> NULLS NOT DISTINCT)?"
    r"(?: WITH \((?P<options>[^)]*)\))?(?: WHERE (?P<where>.+))?",
    re.DOTALL,
)
_OPTION = re.compile(r"(\w+)=(?:'((?:[^']|'')*)'|(\w+))")


class UnknownDefinitionError(ValueError):
    """A definition has a clause that can't be declared."""


@dataclass(frozen=True)
class Key:
    """A primary key or a unique constraint."""

    columns: tuple[str, ...]
    include: tuple[str, ...]
    nulls_not_distinct: bool
    without_overlaps: bool
    deferrable: bool
    deferred: bool


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key; the actions are as SQL has them, None for PostgreSQL's default.

    With a period the last column of each table is compared by containment.
    """

    columns: tuple[str, ...]
    schema: str
    table: str
    referred: tuple[str, ...]
    match_full: bool
    on_update: str | None
    on_delete: str | None
    deferrable: bool
    deferred: bool
    not_valid: bool
    not_enforced: bool
    has_period: bool


@dataclass(frozen=True)
class Check:
    """A check."""

    condition: str
    no_inherit: bool
    not_enforced: bool
    not_valid: bool


@dataclass(frozen=True)
class Exclusion:
    """An exclusion constraint; an element is an expression and an operator."""

    method: str
    elements: tuple[tuple[str, str], ...]
    where: str | None
    deferrable: bool
    deferred: bool


@dataclass(frozen=True)
class IndexParts:
    """An index; elements are as SQL has them, with operator class and order."""

    method: str
    elements: tuple[str, ...]
    include: tuple[str, ...]
    nulls_not_distinct: bool
    options: dict[str, str]
    where: str | None


@lru_cache(_REMEMBERED)
def key(definition: str) -> Key:
    """Take a primary key or a unique constraint apart.

    Raises:
        UnknownDefinitionError: It has a clause that can't be declared.
    """
    found = _matched(_KEY, definition)
    return Key(
        _names(found["columns"]),
        _names(found["include"]),
        found["nulls"] is not None,
        found["overlaps"] is not None,
        found["deferrable"] is not None,
        found["deferred"] is not None,
    )


@lru_cache(_REMEMBERED)
def foreign_key(definition: str) -> ForeignKey:
    """Take a foreign key apart.

    Raises:
        UnknownDefinitionError: It has a clause that can't be declared.
    """
    found = _matched(_FOREIGN_KEY, definition)
    return ForeignKey(
        columns=_names(found["columns"]),
        schema=sql.unquote(found["schema"] or "public"),
        table=sql.unquote(found["table"]),
        referred=_names(found["referred"]),
        match_full=found["match"] is not None,
        on_update=found["update"],
        on_delete=found["delete"],
        deferrable=found["deferrable"] is not None,
        deferred=found["deferred"] is not None,
        not_valid=found["not_valid"] is not None,
        not_enforced=found["not_enforced"] is not None,
        has_period=", PERIOD " in found["columns"],
    )


def check(definition: str) -> Check:
    """Take a check apart.

    Raises:
        UnknownDefinitionError: It has a clause that can't be declared.
    """
    found = _matched(_CHECK, definition)
    return Check(
        unwrapped(found["condition"]),
        found["no_inherit"] is not None,
        found["not_enforced"] is not None,
        found["not_valid"] is not None,
    )


def exclusion(definition: str) -> Exclusion:
    """Take an exclusion constraint apart.

    Raises:
        UnknownDefinitionError: It has a clause that can't be declared.
    """
    start = _EXCLUDE.match(definition)
    if start is None:
        raise UnknownDefinitionError(definition)
    inner, rest = _in_parentheses(definition[start.end() :])
    found = _matched(_WHERE, rest)
    pairs = (each.rpartition(" WITH ") for each in separated(inner))
    return Exclusion(
        start["method"],
        tuple((expression, operator) for expression, _, operator in pairs),
        None if found["where"] is None else unwrapped(found["where"]),
        found["deferrable"] is not None,
        found["deferred"] is not None,
    )


def index(method_and_columns: str) -> IndexParts:
    """Take an index apart.

    Args:
        method_and_columns: The part of its definition after the table.

    Raises:
        UnknownDefinitionError: It has a clause that can't be declared.
    """
    start = _INDEX.match(method_and_columns)
    if start is None:
        raise UnknownDefinitionError(method_and_columns)
    inner, rest = _in_parentheses(method_and_columns[start.end() :])
    found = _matched(_AFTER_COLUMNS, rest)
    options = {
        name: (text or word).replace("''", "'")
        for name, text, word in _OPTION.findall(found["options"] or "")
    }
    return IndexParts(
        start["method"],
        tuple(separated(inner)),
        _names(found["include"]),
        found["nulls"] is not None,
        options,
        None if found["where"] is None else unwrapped(found["where"]),
    )


def column_of(element: str) -> str | None:
    """Return the column that an element of an index is, or None if it is more than that."""
    return sql.unquote(element) if re.fullmatch(_NAME, element) else None


def unwrapped(text: str) -> str:
    """Return SQL without the parentheses around all of it."""
    while text.startswith("(") and _closing(text) == len(text) - 1:
        text = text[1:-1]
    return text


def _matched(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    found = pattern.fullmatch(text)
    if found is None:
        raise UnknownDefinitionError(text)
    return found


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(map(sql.unquote, re.findall(rf"(?:, PERIOD )?({_NAME})", text or "")))


def _in_parentheses(text: str) -> tuple[str, str]:
    end = _closing(text)
    return text[1:end], text[end + 1 :]


def _closing(text: str) -> int:
    return next(
        position for position, character, depth in marks(text) if character == ")" and depth == 0
    )
