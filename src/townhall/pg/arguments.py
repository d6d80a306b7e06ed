"""The arguments of functions: mode, type and default, as an author writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple, cast

from townhall.pg import sql
from townhall.pg.layout import pieces

_CACHED = 10_000  # a comparison asks several times for the arguments of each function

Mode = Literal["out", "inout", "variadic"]

_MODE = re.compile(r"(in\s+out|inout|in|out|variadic)(?=[\s\"])\s*", re.IGNORECASE)
_DEFAULT = re.compile(r"=|(?<![\w$.])default(?![\w$])", re.IGNORECASE)


class Argument(NamedTuple):
    """An argument of a function.

    Attributes:
        name: The name, or ``$1`` and so on where it has none.
        mode: The mode of an argument that is not just an input.
        type: The type.
        default: The expression of the default.
    """

    name: str
    mode: Mode | None
    type: str
    default: str | None

    @classmethod
    @lru_cache(maxsize=_CACHED)
    def of(cls, name: str, declared: str) -> Argument:
        """Return an argument as PostgreSQL reads it.

        Args:
            name: The name of the argument.
            declared: Its mode, type and default: ``inout bigint default 0``.
        """
        text = declared.strip()
        mode = None
        if match := _MODE.match(text):
            mode, text = "".join(match[1].lower().split()), text[match.end() :]
        type_, default = _split_default(text)
        return cls(name, None if mode == "in" else cast("Mode | None", mode), type_, default)

    @property
    def is_input(self) -> bool:
        """Whether a call gives it."""
        return self.mode != "out"

    def __str__(self) -> str:
        """Return the argument as ``create function`` takes it."""
        name = None if self.name.startswith("$") else sql.quote(self.name)
        default = None if self.default is None else f"default {self.default}"
        return " ".join(part for part in (self.mode, name, self.type, default) if part)


def arguments_of(declared: Mapping[str, str]) -> list[Argument]:
    """Return the arguments of a function, in their order."""
    return [Argument.of(name, text) for name, text in declared.items()]


def refused_arguments(arguments: Iterable[Argument], *, returns_table: bool) -> str | None:
    """Return what is wrong with the arguments of a function and what to do, or None.

    Args:
        arguments: The arguments, in their order.
        returns_table: Whether the function returns a table.
    """
    variadic = default = None
    for each in arguments:
        name, mode = each.name, each.mode
        if mode in {"out", "inout"} and returns_table:
            return f"argument {name!r} is {mode}, beside a table: move it into the table"
        if mode == "out":
            if each.default is not None:
                return f"argument {name!r} is out and has a default, which only inputs have"
            continue
        if variadic is not None:
            return f"argument {name!r} is after the variadic {variadic!r}, which must be the last"
        if default is not None and each.default is None:
            return f"argument {name!r} is after {default!r} and needs a default as well"
        variadic = name if mode == "variadic" else None
        default = None if each.default is None else name
    return None


def without_default(declared: str) -> str:
    """Return what is written for an argument before its default.

    Args:
        declared: Mode, name, type and default: ``inout id bigint default 0``.
    """
    return _split_default(declared)[0]


def _split_default(text: str) -> tuple[str, str | None]:
    position = 0
    for piece, is_opaque in pieces(text):
        if not is_opaque and (match := _DEFAULT.search(piece)):
            start, end = position + match.start(), position + match.end()
            return text[:start].strip(), text[end:].strip()
        position += len(piece)
    return text, None
