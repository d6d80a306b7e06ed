"""Names and SQL of a database as a command prints them.

Names in a database are chosen by others, and PostgreSQL accepts any character in them but NUL. A
line break would begin a line that looks like one of the command's own, and an escape sequence would
act on the terminal. Every command prints what it has read through this module.
"""

from __future__ import annotations

import json
import logging
import re

from townhall.pg.layout import pieces

# Letters and marks that Unicode does not show, and Python takes for printable.
_IGNORED = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
_SHORT = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}
_LONGEST = 200
_BASIC_PLANE = 0xFFFF
_PART_OF_ESCAPED = re.compile(r"\\?.", re.DOTALL)
_DOLLAR_QUOTED = re.compile(r"\$[^$]*\$(.*)\$[^$]*\$", re.DOTALL)


def printable(words: str) -> str:
    r"""Return words on one line, with an escape such as ``\n`` or ``\x1b`` for what can't be seen.

    Args:
        words: Text with names in it.
    """
    if is_visible(words):
        return words
    return "".join(each if is_visible(each) else _escape(each) for each in words)


def is_visible(text: str) -> bool:
    """Tell whether each character of a text can be seen, and changes no other one's place."""
    return text.isprintable() and not _IGNORED.search(text)


class PrintableRecords(logging.Filter):
    """Makes the messages of a handler printable, for a command whose log is on a terminal."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Put the message on one line."""
        record.msg, record.args = printable(record.getMessage()), ()
        return True


_RECORDS = PrintableRecords()


def log_printable() -> None:
    """Have the log of a command contain nothing that acts on a terminal or forges a line.

    It is for a process that is a command: it changes the handlers of the root logger.
    """
    for handler in (*logging.getLogger().handlers, logging.lastResort):
        if handler is not None:
            handler.addFilter(_RECORDS)


def python_literal(text: str) -> str:
    r"""Return text as a string of Python in double quotes, with an escape for what can't be seen.

    Args:
        text: Text of any kind.
    """
    return json.dumps(text, ensure_ascii=False)


def on_one_line(message: object) -> str:
    """Return a message of several lines on one.

    Args:
        message: The message, or the exception whose message it is.
    """
    return printable(" ".join(str(message).split()))


def abridged(sql: str, longest: int = _LONGEST) -> str:
    """Return SQL on one line, cut where it is long, for the sentence of a message.

    Args:
        sql: A statement or a piece of one.
        longest: How many characters of it are shown at most.
    """
    line = " ".join(sql.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def printable_sql(sql: str) -> str:
    r"""Return SQL that means the same and has only characters that can be seen.

    A name with others becomes ``U&"…"``, and a string ``E'…'``. Line breaks and tabs stay between
    names and strings, and in what is dollar-quoted, such as the body of a function.

    Args:
        sql: SQL, of one statement or several.
    """
    if is_visible(sql):
        return sql
    written = ""
    for piece, is_opaque in pieces(sql):
        shown = _opaque(piece) if is_opaque else _keeping_lines(piece)
        is_prefixed = shown != piece and written[-1:].isalnum()
        written += f" {shown}" if is_prefixed else shown
    return written


def _opaque(piece: str) -> str:
    if piece.startswith('"'):
        return piece if is_visible(piece) else f'U&"{_as_name(piece[1:-1])}"'
    if piece.startswith("'"):
        return piece if is_visible(piece) else f"E'{_as_string(piece[1:-1])}'"
    if piece.startswith(("e'", "E'")):
        return _PART_OF_ESCAPED.sub(lambda match: _in_string(match[0]), piece)
    if piece.startswith("$") and (quoted := _DOLLAR_QUOTED.fullmatch(piece)):
        if _keeping_lines(piece) == piece.replace("\r\n", "\n"):
            return piece
        return f"E'{_as_string(quoted[1].replace(chr(39), chr(39) * 2))}'"
    return _keeping_lines(piece)


def _as_name(text: str) -> str:
    return "".join(
        each if is_visible(each) else _unicode(each, r"\%04X", r"\+%06X")
        for each in text.replace("\\", "\\\\")
    )


def _as_string(text: str) -> str:
    return "".join(map(_in_string, text.replace("\\", "\\\\")))


def _in_string(part: str) -> str:
    if is_visible(part):
        return part
    return _SHORT.get(part[-1]) or _unicode(part[-1], r"\u%04X", r"\U%08X")


def _unicode(character: str, short: str, long: str) -> str:
    code = ord(character)
    return (short if code <= _BASIC_PLANE else long) % code


def _keeping_lines(text: str) -> str:
    return "".join(
        each if each in "\t\n" or is_visible(each) else _escape(each)
        for each in text.replace("\r\n", "\n")
    )


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
