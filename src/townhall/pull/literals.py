"""Values as Python source."""

from __future__ import annotations

import re
import textwrap

from townhall.migrate.write.python_source import quoted

_PARAMETER = re.compile(r"(?<![:\w]):(?=\w+(?!:))|(?<=\\):(?=[\w$]*(?![:\w$]))")
"""The colon of what SQLAlchemy would take for a parameter in a text, or for one that is none."""
_WIDTH = 76


def text_of(condition: str) -> str:
    """Return SQL as the source of a text in which a colon starts no parameter.

    Args:
        condition: SQL, as PostgreSQL renders it.
    """
    return literal(_PARAMETER.sub(r"\\:", condition))


def text_argument(condition: str) -> str:
    """Return the same as the only argument of a call."""
    return argument(_PARAMETER.sub(r"\\:", condition))


def literal(value: str) -> str:
    """Return a text as a Python literal, on several lines where it is long."""
    if len(value) <= _WIDTH and "\n" not in value:
        return quoted(value)
    lines = [
        piece
        for line in value.splitlines(keepends=True)
        for piece in textwrap.wrap(
            line,
            _WIDTH,
            drop_whitespace=False,
            replace_whitespace=False,
            expand_tabs=False,
            break_long_words=False,
            break_on_hyphens=False,
        )
        or [line]
    ]
    return f"({' '.join(map(quoted, lines))})" if len(lines) > 1 else quoted(value)


def argument(value: str) -> str:
    """Return a text as the only argument of a call, which needs no parentheses of its own."""
    written = literal(value)
    return written[1:-1] if written.startswith("(") else written


def names(values: tuple[str, ...]) -> str:
    """Return texts as the source of a list."""
    return f"[{', '.join(map(quoted, values))}]"


def multiline(value: str) -> str | None:
    """Return a text as a literal in triple quotes that is byte for byte the text, if there is one.

    Args:
        value: A text of several lines.
    """
    if '"""' in value or value.endswith('"') or "\r" in value or "\n" not in value:
        return None
    if not value.replace("\n", "").replace("\t", "").isprintable():
        return None
    if "\\" not in value:
        return f'"""{value}"""'
    return None if value.endswith("\\") else f'r"""{value}"""'
