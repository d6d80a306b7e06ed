"""Small pieces of SQL text: quoting, literals, scripts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from sqlalchemy import TextClause, text

from townhall.pg.key_words import KEY_WORDS
from townhall.pg.layout import ends_in_comment, indented, layout, pieces
from townhall.roles import LONGEST_NAME

__all__ = [
    "IDENTIFIER",
    "closed",
    "do",
    "dollar_quoted",
    "generated_name",
    "indented",
    "is_list",
    "is_name",
    "join_list",
    "layout",
    "literal",
    "on_own_lines",
    "parenthesized",
    "qualified",
    "quote",
    "quote_all",
    "role",
    "roles",
    "script",
    "shortened",
    "split_list",
    "statement",
    "substituted",
    "unquote",
]

_CACHED = 10_000  # a comparison quotes each name many times
_SAFE = re.compile(r"[a-z_][a-z0-9_]*")

IDENTIFIER = r'(?:"(?:[^"]|"")*"|[^\s",.]+)'
"""The pattern of an identifier as PostgreSQL writes it."""


@lru_cache(maxsize=_CACHED)
def quote(name: str) -> str:
    """Return ``name`` as an identifier, in quotes where PostgreSQL's ``quote_ident`` sets them."""
    if _SAFE.fullmatch(name) and name not in KEY_WORDS:
        return str(name)
    return '"' + name.replace('"', '""') + '"'


def unquote(identifier: str) -> str:
    """Return the name of an identifier as PostgreSQL writes it."""
    return identifier[1:-1].replace('""', '"') if identifier.startswith('"') else identifier


def qualified(*names: str) -> str:
    """Return the identifier of an object in a schema, or of its part: ``public.events.name``."""
    return ".".join(map(quote, names))


def quote_all(names: Iterable[str]) -> str:
    """Return the identifiers of ``names``, joined by commas."""
    return ", ".join(quote(name) for name in names)


def role(name: str) -> str:
    """Return ``name`` as a role; ``public``, which stands for every role, is never quoted."""
    return "public" if name == "public" else quote(name)


def roles(names: Iterable[str]) -> str:
    """Return the roles of ``names``, joined by commas."""
    return ", ".join([role(name) for name in names])


def literal(value: str | None) -> str:
    """Return ``value`` as a string literal, and None as ``null``."""
    return "null" if value is None else "'" + value.replace("'", "''") + "'"


def shortened(name: str, length: int = LONGEST_NAME) -> str:
    """Return ``name`` as PostgreSQL cuts it, to whole characters of at most ``length`` bytes."""
    if len(name) <= length and name.isascii():
        return name
    return name.encode()[:length].decode(errors="ignore")


def stored(name: str) -> str:
    """Return the name under which PostgreSQL stores what SQLAlchemy declares under another one.

    Args:
        name: The name; with ``quote=False`` SQLAlchemy writes it without quotes.
    """
    return shortened(name.lower() if getattr(name, "quote", None) is False else name)


def generated_name(table: str, columns: Iterable[str], suffix: str) -> str:
    """Return the name that PostgreSQL gives to a constraint or a sequence of a column without one.

    Args:
        table: The name of its table, or what else its name begins with.
        columns: The names of its columns.
        suffix: What says its kind: ``key``.
    """
    middle = "_".join(columns)
    room = LONGEST_NAME - len(suffix.encode()) - (2 if middle else 1)
    first, second = len(table.encode()), len(middle.encode())
    while first + second > room:
        if first > second:
            first -= 1
        else:
            second -= 1
    parts = [shortened(table, first), shortened(middle, second), suffix]
    return "_".join(part for part in parts if part)


def is_name(text: str) -> bool:
    """Tell whether PostgreSQL takes ``text`` as a name, and does not cut it."""
    return 0 < len(text.encode()) <= LONGEST_NAME and "\0" not in text


def is_list(text: str) -> bool:
    """Tell whether ``text`` is a list of names as :func:`split_list` takes it apart."""
    return not text.strip() or all(map(_LISTED.fullmatch, _items(text)))


def split_list(text: str) -> list[str]:
    """Return the names in a list, as PostgreSQL reads one such as a ``search_path``.

    They are separated by commas, with blanks around them or none. Only a name in double quotes may
    hold a comma or a quote, or begin or end with a blank. Unlike in PostgreSQL, the letters of any
    other name keep their case.
    """
    return list(map(unquote, _items(text)))


def join_list(names: Sequence[str]) -> str:
    """Return the list that :func:`split_list` takes apart into ``names``."""
    if list(names) == [""]:
        return ""
    return ", ".join(
        name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"' for name in names
    )


def _items(text: str) -> Iterable[str]:
    # A comma outside of quotes has an even number of them behind it.
    return map(str.strip, _COMMA.split(text))


_COMMA = re.compile(r',(?=(?:[^"]*"[^"]*")*[^"]*$)')
_LISTED = re.compile(r'"(?:[^"]|"")*"|[^"]+')
_PLAIN = re.compile(r'[^\s",](?:[^",]*[^\s",])?')


def substituted(sql: str, parameter: str, value: str) -> str:
    """Return ``sql`` with a value for a parameter, but not in strings, names and comments.

    Args:
        sql: SQL that says ``:caller``.
        parameter: The parameter without its colon: ``caller``.
        value: The SQL that stands in its place.
    """
    return "".join(
        piece
        if is_opaque
        else _PARAMETER.sub(lambda match: value if match[1] == parameter else match[0], piece)
        for piece, is_opaque in pieces(sql)
    )


_PARAMETER = re.compile(r"(?<![\w:]):(\w+)")


def on_own_lines(sql: str) -> str:
    """Return ``sql`` on lines of its own, indented by one level."""
    return f"\n{indented(sql)}\n"


def parenthesized(sql: str) -> str:
    """Return ``sql`` in parentheses, which stand on lines of their own around several lines."""
    # After a comment the parenthesis would be a part of it.
    return f"({on_own_lines(sql)})" if "\n" in sql or ends_in_comment(sql) else f"({sql})"


def script(statements: Iterable[str]) -> str:
    """Return statements as one text to execute."""
    return ";\n".join([closed(each) if "--" in each else each for each in statements])


def closed(statement: str) -> str:
    """Return a statement behind which a semicolon ends it and is no part of a comment."""
    return f"{statement}\n" if ends_in_comment(statement) else statement


def do(body: str) -> str:
    """Return the statement that runs a block of PL/pgSQL, on lines of its own."""
    return f"do {dollar_quoted(body, 'do')}"


def dollar_quoted(body: str, tag: str = "function") -> str:
    """Return ``body``, unchanged, between dollar quotes with a tag that it does not contain."""
    tag = f"${tag}$"
    # The end of the body and the beginning of the tag may be the tag as well.
    while f"{body}{tag}".index(tag) < len(body):
        tag = tag[:-1] + "_$"
    return f"{tag}{body}{tag}"


def statement(sql: str) -> TextClause:
    """Return ``sql`` for execution unchanged: a colon in it starts no bound parameter."""
    return text(sql.replace(":", r"\:"))
