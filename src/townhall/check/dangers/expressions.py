"""Conditions of policies, as PostgreSQL renders them: what they call, and once or for each row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<text> [eE]?'(?:[^']|'')*' )
    | (?P<cast> ::\s*(?:"(?:[^"]|"")*"|[^\W\d][\w$]*)
        (?:\.(?:"(?:[^"]|"")*"|[^\W\d][\w$]*))*
        (?:\ (?:varying|precision|with\ time\ zone|without\ time\ zone))?
        (?:\(\d+(?:,\d+)?\))? (?:\ with(?:out)?\ time\ zone)? (?:\[\])* )
    | (?P<name> (?:"(?:[^"]|"")*"|[^\W\d][\w$]*) (?:\.(?:"(?:[^"]|"")*"|[^\W\d][\w$]*))* )
    | (?P<open> [(\[] )
    | (?P<close> [)\]] )
    | (?P<other> [\d.]+ | \S )
    """,
    re.VERBOSE,
)
_OF_RECORDS = frozenset(
    f"{kind}_{does}_{made}"
    for kind in ("json", "jsonb")
    for does in ("populate", "to")
    for made in ("record", "recordset")
)
"""The functions that give the keys of an object as the fields of a record."""

_EXISTS = re.compile(r"\bexists\s*\(\s*select\b", re.IGNORECASE)

ALIASES = re.compile(r"""((?<=\)\ )[\w$"]+\([\w$"]+(?:,\ [\w$"]+)*\))""", re.VERBOSE)
"""Names for all columns of the rows that a function gives, as PostgreSQL renders them."""

_BEFORE_TABLES = frozenset({"from", "join", "lateral"})
_CONSTANT_WORDS = frozenset({"true", "false", "null", "and", "or", "not", "is", "array", "select"})


@dataclass(frozen=True)
class Called:
    """A call in a condition whose arguments are the same for each row.

    Attributes:
        start: Where it begins.
        end: Where it ends.
        name: The name of the function, as SQL writes it.
        is_array_operand: Whether it stands alone in ``any (…)`` or ``all (…)``, where a query means
            its rows.
    """

    start: int
    end: int
    name: str
    is_array_operand: bool


def called_per_row(condition: str, functions: Mapping[str, str]) -> list[Called]:
    """Return the calls that PostgreSQL evaluates for each row, and could evaluate once.

    Args:
        condition: The condition as PostgreSQL renders it with an empty search path.
        functions: The type that each function returns whose result is the same for each row, by its
            name in SQL.
    """
    tokens = list(_TOKEN.finditer(condition))
    closing = _closing(tokens)
    found: list[Called] = []
    skipped_to = 0
    for index in range(len(tokens) - 1):
        token = tokens[index]
        is_call = token["name"] and tokens[index + 1][0] == "("
        if token.start() < skipped_to or not is_call or token[0] not in functions:
            continue
        end = closing[index + 1]
        if _is_once(tokens, closing, index) or not _is_constant(tokens[index + 2 : end]):
            continue
        found.append(
            Called(
                token.start(),
                tokens[end].end(),
                token[0],
                _is_array_operand(tokens, index, end),
            )
        )
        skipped_to = tokens[end].end()
    return found


def evaluated_once(condition: str, functions: Mapping[str, str]) -> str:
    """Return a condition with each such call in a query of its own.

    Args:
        condition: The condition.
        functions: As for :func:`called_per_row`.
    """
    for call in reversed(called_per_row(condition, functions)):
        query = f"(select {condition[call.start : call.end]})"
        if call.is_array_operand:
            query = f"{query}::{functions[call.name]}"
        condition = condition[: call.start] + query + condition[call.end :]
    return condition


def texts(sql: str) -> Iterator[str]:
    """Yield the string literals of SQL, without their quotes.

    Args:
        sql: A condition or a body.
    """
    for token in _TOKEN.finditer(sql):
        if token["text"]:
            yield token["text"].lstrip("eE")[1:-1]


def names(sql: str) -> set[str]:
    """Return the names in SQL, each without what qualifies it, and without quotes.

    Args:
        sql: A condition or a body.
    """
    found = set()
    for token in _TOKEN.finditer(sql):
        if token["name"]:
            *_, last = re.findall(r'"(?:[^"]|"")*"|[^.]+', token["name"])
            found.add(last[1:-1].replace('""', '"') if last.startswith('"') else last.lower())
    return found


def fields_of_records(sql: str) -> set[str]:
    """Return the fields that SQL takes of what functions such as ``jsonb_to_record`` give.

    Args:
        sql: A condition.
    """
    tokens = list(_TOKEN.finditer(sql))
    closing = _closing(tokens)
    ends = [
        closing[index]
        for index in closing
        if index and tokens[index][0] == "(" and tokens[index - 1][0] in _OF_RECORDS
    ]
    if not ends:
        return set()
    aliases = {f"{each[0]}." for end in ends for each in tokens[end + 1 : end + 2] if each["name"]}
    by_alias = {
        each[0].removeprefix(alias)
        for alias in aliases
        for each in tokens
        if each["name"] and each[0].startswith(alias)
    }
    of_values = {
        field[0]
        for closed, point, field in zip(tokens, tokens[1:], tokens[2:], strict=False)
        if closed["close"] and point[0] == "."
    }
    return by_alias | of_values


def without_lists_of_exists(sql: str) -> str:
    """Return SQL without the columns that queries in ``exists (…)`` select: only rows count there.

    Where they select more than columns, a function may give the rows, and it stays as it is.

    Args:
        sql: A condition or a body.
    """
    if not _EXISTS.search(sql):
        return sql
    tokens = list(_TOKEN.finditer(sql))
    closing = _closing(tokens)
    kept, start = [], 0
    for index, token in enumerate(tokens[:-2]):
        if token.start() < start or not _EXISTS.match(sql, token.start()):
            continue
        end = _from_of(tokens, closing, index + 1)
        if end is not None and _has_columns_alone(tokens, index + 1, end, closing[index + 1]):
            kept.append(sql[start : tokens[index + 2].end()])
            start = tokens[end].start()
    return " ".join([*kept, sql[start:]])


def _closing(tokens: Sequence[re.Match[str]]) -> dict[int, int]:
    open_at: list[int] = []
    closing: dict[int, int] = {}
    for index, token in enumerate(tokens):
        if token["open"]:
            open_at.append(index)
        elif token["close"] and open_at:  # a body in another language may have one too many
            closing[open_at.pop()] = index
    return closing


def _is_once(tokens: list[re.Match[str]], closing: Mapping[int, int], index: int) -> bool:
    # In (select …) of constants without a table, or as a table of a query or in the arguments of
    # one, which is read once.
    calls = (index, *(start - 1 for start, end in closing.items() if start < index < end))
    if any(_before(tokens, call) in _BEFORE_TABLES for call in calls):
        return True
    return any(
        tokens[start + 1][0].lower() == "select"
        and _from_of(tokens, closing, start) is None
        and _is_constant(tokens[start + 2 : end])
        for start, end in closing.items()
        if start < index < end
    )


def _before(tokens: Sequence[re.Match[str]], index: int) -> str:
    # The first table of a join is in parentheses.
    before = (each[0].lower() for each in reversed(tokens[:index]) if not each["open"])
    return next(before, "")


def _has_columns_alone(tokens: list[re.Match[str]], start: int, end: int, closed: int) -> bool:
    # Columns decide which rows two queries have in common.
    is_compared = any(each[0].lower() in {"except", "intersect"} for each in tokens[end:closed])
    selected = tokens[start + 2 : end]
    return not is_compared and all(each["name"] or each[0] in {",", ".", "*"} for each in selected)


def _from_of(tokens: list[re.Match[str]], closing: Mapping[int, int], start: int) -> int | None:
    index = start + 1
    while index < closing.get(start, 0):
        if tokens[index][0].lower() == "from":
            return index
        index = closing.get(index, index) + 1
    return None


def _is_constant(tokens: Sequence[re.Match[str]]) -> bool:
    for index, token in enumerate(tokens):
        if not token["name"]:
            continue
        word = token[0].lower()
        is_call = index + 1 < len(tokens) and tokens[index + 1][0] == "("
        is_alias = index > 0 and tokens[index - 1][0].lower() == "as"
        if not (is_call or is_alias or word in _CONSTANT_WORDS or word == "as"):
            return False
    return True


def _is_array_operand(tokens: list[re.Match[str]], index: int, end: int) -> bool:
    return (
        index > 1
        and tokens[index - 2][0].lower() in {"any", "all"}
        and tokens[index - 1][0] == "("
        and end + 1 < len(tokens)
        and tokens[end + 1][0] == ")"
    )
