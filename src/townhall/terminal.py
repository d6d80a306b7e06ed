"""What commands show on a terminal and nowhere else: their progress, and colours."""

from __future__ import annotations

import os
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

_RED, _YELLOW, _CYAN, _DIM = "31", "33", "36", "2"
_COLOURS = {
    "security": _RED,
    "functional": _YELLOW,
    "performance": _CYAN,
    "cosmetic": _DIM,
    "stop": _RED,
    "decide": _YELLOW,
    "change": _CYAN,
    "note": _DIM,
}
"""By the word that a line begins with: a severity of a check, or a weight of an adoption."""

_BEGIN = re.compile(rf"( *)({'|'.join(_COLOURS)})(?=:| )")
_CLEAR_LINE = "\r\x1b[K"


@contextmanager
def progress(words: str) -> Iterator[None]:
    """Show on the standard error what is being done, while a block runs that takes long.

    Args:
        words: What is being done: ``reading the database``.
    """
    if not _is_terminal(sys.stderr):
        yield
        return
    _write(f"{words} …")
    try:
        yield
    finally:
        _write(_CLEAR_LINE)


def coloured(line: str) -> str:
    """Return a line of a report with its first word in colour, for a terminal.

    The standard output has to be one, and ``NO_COLOR`` must not be set.

    Args:
        line: The line.
    """
    if os.environ.get("NO_COLOR") or not _is_terminal(sys.stdout):
        return line
    found = _BEGIN.match(line)
    if found is None:
        return line
    margin, word = found.groups()
    return f"{margin}\x1b[{_COLOURS[word]}m{word}\x1b[0m{line[found.end() :]}"


def _write(words: str) -> None:
    sys.stderr.write(words)
    sys.stderr.flush()


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"
