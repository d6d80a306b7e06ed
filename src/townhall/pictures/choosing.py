"""The tables that a command is asked for by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from townhall.input_error import InputError

_Shown = TypeVar("_Shown")


def shown_name(schema: str | None, name: str) -> str:
    """Return the name of a table or view, with its schema where that is not ``public``.

    Args:
        schema: The schema; None for ``public``.
        name: The name without it.
    """
    return name if schema in {None, "public"} else f"{schema}.{name}"


def chosen(known: Mapping[str, _Shown], names: Iterable[str]) -> list[_Shown]:
    """Return what is known under some names, and everything where none is given.

    Args:
        known: What there is, by its shown name.
        names: Names with a schema or without; the name of a schema and ``.*`` stands for all of it.

    Raises:
        InputError: Nothing is known under a name.
    """
    found: dict[str, _Shown] = {}
    for name in names:
        matching = {shown: each for shown, each in known.items() if name in _names_of(shown)}
        if not matching:
            there = ", ".join(sorted(known)) or "none"
            raise InputError(f"{name} is not declared; name one of these: {there}")
        found |= matching
    return list((found or known).values())


def _names_of(shown: str) -> set[str]:
    schema, _, name = shown.rpartition(".")
    schema = schema or "public"
    return {name, f"{schema}.{name}", f"{schema}.*"}
