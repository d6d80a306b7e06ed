"""What a constraint or an index says, whatever it is called and however it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from townhall.migrate.origins.unfinished import BUILD
from townhall.pg import sql
from townhall.pg.catalog import Constraint, Index

NOT_VALID = " NOT VALID"
"""What PostgreSQL writes behind the definition of a constraint that was not validated."""

_NAME = r'(?:"(?:[^"]|"")*"|[^\s",.()]+)'
_NAMES = rf"{_NAME}(?:, {_NAME})*"
_PERIOD_NAMES = rf"{_NAME}(?:, (?:PERIOD )?{_NAME})*"
_FOREIGN_KEY = re.compile(
    rf"FOREIGN KEY \((?P<columns>{_PERIOD_NAMES})\)"
    rf" REFERENCES (?P<table>(?:{_NAME}\.)?{_NAME})\((?P<referenced>{_PERIOD_NAMES})\)"
    r"(?P<rest>.*)",
    re.DOTALL,
)
_WITHOUT_OVERLAPS = re.compile(
    rf"(?:PRIMARY KEY|UNIQUE) \((?P<columns>{_NAMES}) WITHOUT OVERLAPS\)"
)
_KEY = re.compile(rf"(?:PRIMARY KEY|UNIQUE)[^(]*\((?P<columns>{_NAMES})\)(?P<rest>.*)", re.DOTALL)
_KEY_INDEX = re.compile(rf" USING btree \((?P<columns>{_NAMES})\)(?P<rest>.*)", re.DOTALL)
_CHECK = re.compile(r"CHECK (?P<condition>\(.*\))", re.DOTALL)
_ANY_INDEX = re.compile(
    rf" USING btree \((?P<expressions>.*?)\)(?: INCLUDE \({_NAMES}\))?(?: NULLS NOT DISTINCT)?"
    r"(?: WITH \([^()]*\))?(?: WHERE (?P<condition>.*))?",
    re.DOTALL,
)
_OPERATOR = r"(?:OPERATOR\([^()]*\)|[^\s,()]+)"
_EXCLUSION = re.compile(
    rf"EXCLUDE USING \w+ \((?P<elements>.*? WITH {_OPERATOR})\)"
    r"(?: WHERE (?P<condition>\(.*\)))?(?: DEFERRABLE.*)?",
    re.DOTALL,
)
_ELEMENT = re.compile(rf"(.+?) WITH ({_OPERATOR})(?:, |$)", re.DOTALL)
_ORDER = re.compile(r" (?:ASC|DESC)\b| NULLS (?:FIRST|LAST)\b")
_EACH_NAME = re.compile(_NAME)
_PERIOD = ", PERIOD "
_DEFERRABLE = re.compile(r" DEFERRABLE.*")

_TOKEN = re.compile(
    r"""
    (?P<string>[eE]?'(?:[^']|'')*')
    | (?P<cast>::(?:character\ varying|"(?:[^"]|"")*"|[\w.])+(?:\(\d+\))?(?:\[\])?)
    | (?P<name>"(?:[^"]|"")*"|[\w.$]+)
    | (?P<mark>[()\[\],]|[^\s\w()\[\],'":]+|:+)
    """,
    re.VERBOSE,
)
_TEXT_CASTS = {"::text", "::character varying"}
_VOCABULARY = re.compile(rf"CHECK \((?P<column>{_NAME}) = ANY \(ARRAY\[.*\]\)\)", re.DOTALL)
_LIST = re.compile(r"ARRAY\[((?:'(?:[^']|'')*'(?:, )?)+)\]")
_STRING = re.compile(r"'(?:[^']|'')*'")


class Key(NamedTuple):
    """A primary key, a unique constraint or a unique index on columns.

    Attributes:
        columns: The columns, in their order.
        rest: What follows them, but whether it is deferrable: included columns, a condition.
        nulls: Whether NULL equals NULL: ``NULLS NOT DISTINCT``.
    """

    columns: tuple[str, ...]
    rest: str
    nulls: bool


class ForeignKey(NamedTuple):
    """A foreign key.

    Attributes:
        columns: The columns, as SQL names them.
        table: The table that they refer to, as SQL names it.
        referenced: Its columns, as SQL names them.
        has_period: Whether the last one is a period, which those of several rows may cover.
    """

    columns: tuple[str, ...]
    table: str
    referenced: tuple[str, ...]
    has_period: bool


class Exclusion(NamedTuple):
    """An exclusion constraint: no two rows for which all operators are true.

    Attributes:
        elements: Expressions, each with the operator that compares two rows.
        condition: The condition of the rows that it is about.
    """

    elements: tuple[tuple[str, str], ...]
    condition: str


def building_name(name: str) -> str:
    """Return the name that a declared constraint or index has until it is complete.

    Args:
        name: The name as declared.
    """
    return sql.generated_name(name, [], BUILD)


def validated(definition: str) -> str:
    """Return a definition without the words that the constraint was not validated."""
    return definition.removesuffix(NOT_VALID)


def means_the_same(one: str, other: str) -> bool:
    """Tell whether the same rows satisfy two constraints, and the same happens to rows that refer.

    It may be that they do, and this does not see it; where it says so, they do.

    Args:
        one: The definition of a constraint, as PostgreSQL renders it with an empty search path.
        other: That of another one.
    """
    return _meaning(one) == _meaning(other)


def subject(constraint: Constraint) -> tuple[object, ...]:
    """Return what a constraint is about: two of a table about the same exclude each other.

    Args:
        constraint: A constraint of a table.
    """
    definition = validated(constraint.definition)
    if constraint.kind == "primary key":
        return (constraint.kind,)
    if (match := _FOREIGN_KEY.match(definition)) is not None:
        return (constraint.kind, *_pairs(match))
    if (key := key_of(constraint)) is not None:
        return (constraint.kind, *sorted(key.columns))
    meaning = _meaning(definition)
    if isinstance(meaning, str) and (match := _VOCABULARY.fullmatch(meaning)) is not None:
        return (constraint.kind, "vocabulary", match["column"])
    return (constraint.kind, meaning)


def key_of(part: Constraint | Index) -> Key | None:
    """Return the columns of a key, or None for another constraint and an index on expressions.

    Args:
        part: A constraint or an index.
    """
    if isinstance(part, Index):
        match = _KEY_INDEX.fullmatch(part.method_and_columns) if part.is_unique else None
    else:
        match = _KEY.fullmatch(validated(part.definition))
    if match is None:
        return None
    rest = _DEFERRABLE.sub("", match["rest"]).replace(" NULLS NOT DISTINCT", "")
    nulls = "NULLS NOT DISTINCT" in part.definition
    return Key(tuple(_EACH_NAME.findall(match["columns"])), rest, nulls)


def foreign_key_of(constraint: Constraint) -> ForeignKey | None:
    """Return what a foreign key refers to, or None for another constraint.

    Args:
        constraint: A constraint.
    """
    match = _FOREIGN_KEY.match(constraint.definition)
    if match is None:
        return None
    columns, referenced = (tuple(_names(match[part])) for part in ("columns", "referenced"))
    return ForeignKey(columns, match["table"], referenced, _PERIOD in match["columns"])


def condition_of(constraint: Constraint) -> str | None:
    """Return the condition of a check in parentheses, or None for another constraint.

    Args:
        constraint: A constraint.
    """
    match = _CHECK.match(constraint.definition)
    return match["condition"] if match is not None else None


def exclusion_of(constraint: Constraint) -> Exclusion | None:
    """Return what an exclusion constraint compares, or None for another constraint.

    Args:
        constraint: A constraint.
    """
    match = _EXCLUSION.fullmatch(validated(constraint.definition))
    if match is None:
        return None
    elements = tuple((each[1], each[2]) for each in _ELEMENT.finditer(match["elements"]))
    return Exclusion(elements, match["condition"] or "true")


def without_overlaps_of(constraint: Constraint) -> tuple[str, ...] | None:
    """Return the columns of a key without overlaps, as SQL names them; None for another constraint.

    The values of the last one overlap in no two rows that have the same values in the others.

    Args:
        constraint: A constraint.
    """
    match = _WITHOUT_OVERLAPS.match(constraint.definition)
    return None if match is None else tuple(_names(match["columns"]))


def expressions_of(index: Index) -> tuple[str, str] | None:
    """Return what a unique index holds, and the condition of its rows, or None for another one.

    Args:
        index: An index.
    """
    match = _ANY_INDEX.fullmatch(index.method_and_columns) if index.is_unique else None
    if match is None:
        return None
    return _ORDER.sub("", match["expressions"]), match["condition"] or "true"


def index_meaning(index: Index) -> tuple[bool, str]:
    """Return what an index holds, without its name and casts between types of text.

    Args:
        index: An index.
    """
    return index.is_unique, _without_casts(index.method_and_columns)


def _meaning(definition: str) -> object:
    definition = validated(definition)
    if (match := _FOREIGN_KEY.match(definition)) is not None:
        return (*_pairs(match), match["rest"])
    if (match := _KEY.fullmatch(definition)) is not None:
        head = definition.partition("(")[0]
        return (head, tuple(sorted(_EACH_NAME.findall(match["columns"]))), match["rest"])
    return _LIST.sub(_sorted, _without_casts(definition))


def _pairs(foreign_key: re.Match[str]) -> tuple[object, ...]:
    columns, referenced = (_names(foreign_key[part]) for part in ("columns", "referenced"))
    return (foreign_key["table"], *sorted(zip(columns, referenced, strict=True)))


def _names(columns: str) -> list[str]:
    return _EACH_NAME.findall(columns.replace(_PERIOD, ", "))


def _sorted(values: re.Match[str]) -> str:
    return f"ARRAY[{', '.join(sorted({*_STRING.findall(values[1])}))}]"


def _without_casts(definition: str) -> str:
    tokens = [
        match[0]
        for match in _TOKEN.finditer(definition)
        if not (match["cast"] and match[0].removesuffix("[]") in _TEXT_CASTS)
    ]
    while (shorter := list(_unwrapped(tokens))) != tokens:
        tokens = shorter
    return _joined(tokens)


def _unwrapped(tokens: list[str]) -> Iterator[str]:
    # Parentheses around one token, an array, or other parentheses say nothing.
    ends = _ends(tokens)
    skipped: set[int] = set()
    for start, end in ends.items():
        if start and _is_name(tokens[start - 1]):
            continue  # the arguments of a function
        inner = tokens[start + 1]
        is_wrapped = ends.get(start + 1) == end - 1
        is_array = inner.upper() == "ARRAY" and ends.get(start + 2) == end - 1
        if end == start + 2 or is_wrapped or (is_array and start and tokens[start - 1] == "("):
            skipped = {start, end}
            break
    yield from (token for position, token in enumerate(tokens) if position not in skipped)


def _is_name(token: str) -> bool:
    # PostgreSQL writes key words in capitals; ANY keeps its parentheses.
    return (
        token[0] == '"' or (token[0].isalpha() and not token.isupper()) or token in {"ANY", "ALL"}
    )


def _ends(tokens: list[str]) -> dict[int, int]:
    ends: dict[int, int] = {}
    begun: list[int] = []
    for position, token in enumerate(tokens):
        if token in {"(", "["}:
            begun.append(position)
        elif token in {")", "]"} and begun:
            ends[begun.pop()] = position
    return dict(sorted(ends.items()))


def _joined(tokens: list[str]) -> str:
    joined = ""
    for before, token in pairwise(["(", *tokens]):
        is_close = before in {"(", "["} or token in {")", "]", ","} or before + token == "ARRAY["
        joined += token if is_close else f" {token}"
    return joined
