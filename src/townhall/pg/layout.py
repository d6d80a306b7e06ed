"""The layout of SQL text: indentation, and what must not be touched by it.

What stands in quotes, in dollar quotes or in a comment is opaque: a line that begins there is
neither indented nor unindented, and nothing is removed from it.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain

_CACHED = 10_000  # a comparison lays out each definition twice
_OPAQUE = re.compile(
    r"""
    (?<![\w$])[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)
    | '(?:[^']|'')*(?:'|\Z)
    | "(?:[^"]|"")*(?:"|\Z)
    | (?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)
    | --[^\n]*
    | /\*
    """,
    re.DOTALL | re.VERBOSE,
)
_COMMENT_MARK = re.compile(r"/\*|\*/")
_COMMENT = ("--", "/*")
_BLANKS = " \t\r\n\f\v"


def opaque_spans(sql: str) -> Iterator[tuple[int, int]]:
    """Yield where strings, quoted names, dollar quotes and comments begin and end.

    Args:
        sql: SQL, or a body in PL/pgSQL. What is not closed goes on to the end.
    """
    position = 0
    while match := _OPAQUE.search(sql, position):
        position = _end_of_comment(sql, match.end()) if match[0] == "/*" else match.end()
        yield match.start(), position


def _end_of_comment(sql: str, position: int) -> int:
    depth = 1  # comments nest
    for mark in _COMMENT_MARK.finditer(sql, position):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(sql)


def pieces(sql: str) -> Iterator[tuple[str, bool]]:
    """Yield SQL in pieces, and whether each is opaque."""
    position = 0
    for start, end in chain(opaque_spans(sql), [(len(sql), len(sql))]):
        if position < start:
            yield sql[position:start], False
        if start < end:
            yield sql[start:end], True
        position = end


def without_comments(sql: str) -> str:
    """Return SQL with a blank for each comment."""
    return "".join(
        " " if is_opaque and piece.startswith(_COMMENT) else piece
        for piece, is_opaque in pieces(sql)
    )


SECOND_STATEMENT = "has a second statement behind a semicolon: leave out all from there on"
ZERO_BYTE = "has a zero byte, where PostgreSQL stops to read: leave it out"
"""Why a text of SQL is refused."""


def has_second_statement(sql: str) -> bool:
    """Tell whether a semicolon has more behind it, which would run as a statement of its own."""
    return ";" in sql and any(
        ";" in piece for piece, is_opaque in pieces(layout(without_comments(sql))) if not is_opaque
    )


def ends_in_comment(sql: str) -> bool:
    """Tell whether what is written behind the SQL, on the same line, is a part of a comment."""
    if "--" not in sql:
        return False
    *_, (piece, is_opaque) = chain([("", False)], pieces(sql))
    return is_opaque and piece.startswith("--")


@lru_cache(maxsize=_CACHED)
def layout(sql: str) -> str:
    """Return ``sql`` without common indentation, surrounding blanks and final semicolons."""
    unindented = _unindented(sql) if "\n" in sql else sql
    *_, (_, end) = chain([(0, 0)], opaque_spans(unindented))
    return (unindented[:end] + unindented[end:].rstrip(f";{_BLANKS}")).lstrip(_BLANKS)


def _unindented(sql: str) -> str:
    lines = [
        ("" if is_free and not line.strip(" \t") else line, is_free)
        for line, is_free in _lines(sql)
    ]
    margin = os.path.commonprefix(  # noqa: RUF071 - character by character is meant
        [line[: len(line) - len(line.lstrip(" \t"))] for line, is_free in lines if is_free and line]
    )
    return "\n".join(line[len(margin) :] if is_free and line else line for line, is_free in lines)


@lru_cache(maxsize=_CACHED)
def indented(sql: str, indentation: str = "    ") -> str:
    """Return ``sql`` with each line indented that begins outside of quotes and comments."""
    return "\n".join(
        f"{indentation}{line}" if is_free and line.strip() else line
        for line, is_free in _lines(sql)
    )


def _lines(sql: str) -> Iterator[tuple[str, bool]]:
    # Each line, and whether it begins outside of what is opaque.
    spans = opaque_spans(sql)
    start, end = next(spans, (len(sql), len(sql)))
    position = 0
    for line in sql.split("\n"):
        while end <= position < len(sql):
            start, end = next(spans, (len(sql), len(sql)))
        yield line, not start < position < end
        position += len(line) + 1


def marks(sql: str) -> Iterator[tuple[int, str, int]]:
    """Yield each parenthesis, bracket and comma that is not opaque, with where it stands.

    Args:
        sql: SQL.

    Yields:
        The position, the character, and how many parentheses and brackets are open behind it.
    """
    position = depth = 0
    for piece, is_opaque in pieces(sql):
        for offset, character in enumerate("" if is_opaque else piece):
            if character in "([":
                depth += 1
            elif character in ")]":
                depth -= 1
            if character in "()[],":
                yield position + offset, character, depth
        position += len(piece)


def separated(sql: str) -> Iterator[str]:
    """Yield the parts of a list that commas separate, outside of parentheses and quotes.

    Args:
        sql: The list.
    """
    start = 0
    for position, character, depth in marks(sql):
        if character == "," and depth == 0:
            yield sql[start:position].strip()
            start = position + 1
    yield sql[start:].strip()
