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


def _closing(tokens: Sequence[re.Match[str]]) -> dict[int, int]:
    open_at: list[int] = []
    closing: dict[int, int] = {}
    for index, token in enumerate(tokens):
        if token["open"]:
            open_at.append(index)
        elif token["close"]:
            closing[open_at.pop()] = index
    return closing


def _is_once(tokens: list[re.Match[str]], closing: Mapping[int, int], index: int) -> bool:
    # In (select …) of constants without a table, or as a table of a query, which is read once.
    if index and tokens[index - 1][0].lower() in {"from", "join", "lateral"}:
        return True
    return any(
        tokens[start + 1][0].lower() == "select"
        and not _has_table(tokens, closing, start)
        and _is_constant(tokens[start + 2 : end])
        for start, end in closing.items()
        if start < index < end
    )


def _has_table(tokens: list[re.Match[str]], closing: Mapping[int, int], start: int) -> bool:
    index = start + 1
    while index < closing[start]:
        if tokens[index][0].lower() == "from":
            return True
        index = closing.get(index, index) + 1
    return False


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
