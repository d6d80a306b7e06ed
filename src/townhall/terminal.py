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

    Args:
        line: The line.
    """
    found = _BEGIN.match(line)
    if found is None:
        return line
    margin, word = found.groups()
    return f"{margin}{_painted(word, _COLOURS[word])}{line[found.end() :]}"


def labelled(label: str, width: int, value: str) -> str:
    """Return a label and its value on a line, the label dimmed for a terminal.

    Args:
        label: What the value is.
        width: The width of the column of labels.
        value: The value.
    """
    return f"{_painted(label, _DIM)}{' ' * (width - len(label))}{value}"


def _painted(word: str, colour: str) -> str:
    return f"\x1b[{colour}m{word}\x1b[0m" if _is_coloured() else word


def _is_coloured() -> bool:
    """Tell whether the standard output is coloured, by what is set as for Python's own programs.

    https://docs.python.org/3/using/cmdline.html#using-on-controlling-color
    """
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or _is_terminal(sys.stdout)


def _write(words: str) -> None:
    sys.stderr.write(words)
    sys.stderr.flush()


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"
