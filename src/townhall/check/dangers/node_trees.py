"""Expressions as PostgreSQL stores them: the text of a ``pg_node_tree``, as nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_PIECE = re.compile(r"[{}()\[\]]|(?:\\.|[^\s{}()\[\]\\])+", re.DOTALL)
_WITHOUT_MEANING = frozenset({"location", "list_start", "list_end"})
"""Where something stood in the text that was parsed."""


@dataclass(frozen=True)
class Node:
    """A node of an expression.

    Two nodes are equal if they mean the same, wherever they stand.

    Attributes:
        kind: What it is, as PostgreSQL names it: ``OPEXPR``.
        fields: Its fields: nodes, lists of them, texts, the bytes of a constant, or None.
    """

    kind: str
    fields: Mapping[str, Any]

    def __getitem__(self, field: str) -> Any:  # noqa: ANN401 - fields are of any kind
        """Return a field; None where this version of PostgreSQL has none of that name."""
        return self.fields.get(field)

    def nodes(self, field: str) -> list[Node]:
        """Return the nodes that a field holds.

        Args:
            field: The field: a list, a node or nothing.
        """
        value = self[field]
        if isinstance(value, Node):
            return [value]
        return [each for each in value or () if isinstance(each, Node)]

    def number(self, field: str) -> int:
        """Return a field that is a number.

        Args:
            field: The field.
        """
        return int(self[field])


def parsed(text: str) -> Node:
    """Return the expression that a text stands for.

    Args:
        text: The text of a ``pg_node_tree``.

    Raises:
        TypeError: It is no single node.
    """
    found = _value(iter(_PIECE.findall(text)))
    if not isinstance(found, Node):
        raise TypeError(text)
    return found


def nodes_in(value: Any) -> Iterator[Node]:  # noqa: ANN401 - of any kind
    """Yield a node with all below it, or those of a list.

    Args:
        value: The value of a field, or a node.
    """
    if isinstance(value, Node):
        yield value
        for field in value.fields.values():
            yield from nodes_in(field)
    elif isinstance(value, list):
        for each in value:
            yield from nodes_in(each)


def _value(pieces: Iterator[str]) -> Any:  # noqa: ANN401 - of any kind
    piece = next(pieces)
    if piece == "{":
        return _node(pieces)
    if piece == "(":
        return _list(pieces)
    return None if piece == "<>" else piece


def _list(pieces: Iterator[str]) -> list[Any]:
    found: list[Any] = []
    for piece in pieces:
        match piece:
            case ")":
                break
            case "{":
                found.append(_node(pieces))
            case "(":
                found.append(_list(pieces))
            case _:
                found.append(piece)
    return found


def _node(pieces: Iterator[str]) -> Node:
    kind, name = next(pieces), ""
    fields: dict[str, Any] = {}
    for piece in pieces:
        if piece == "}":
            break
        if piece == "[":  # the bytes of a constant, behind their number
            fields[name] = _bytes(pieces)
            continue
        name = piece.removeprefix(":")
        value = _value(pieces)
        if name not in _WITHOUT_MEANING:
            fields[name] = value
    return Node(kind, fields)


def _bytes(pieces: Iterator[str]) -> bytes:
    return bytes(int(piece) % 256 for piece in iter(pieces.__next__, "]"))
