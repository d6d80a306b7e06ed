"""Expressions of constants, as SQL that PostgreSQL computes without calling anything of others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from townhall.check.dangers.node_trees import Node
from townhall.pg import sql

_WHOLE = {20: "bigint", 21: "smallint", 23: "integer"}
_TEXTS = {25: "text", 1042: "bpchar", 1043: "varchar"}
_TYPES = {**_WHOLE, **_TEXTS, 16: "boolean"}
"""The types whose constants are read, by their numbers, which never change."""
_HEADER = 4
"""The bytes in front of a text, which hold its length."""


@dataclass(frozen=True)
class Constants:
    """Writes expressions of constants.

    Attributes:
        functions: The names of PostgreSQL's functions that may be called, by number.
        operators: The names of PostgreSQL's operators, by number.
    """

    functions: Mapping[int, str]
    operators: Mapping[int, str]

    def sql_of(self, node: Node) -> str | None:
        """Return what an expression computes from constants alone, as SQL; else None.

        Args:
            node: The expression; None for a constant as well, which needs no computing.
        """
        match node.kind:
            case "FUNCEXPR":
                return self._call(node, node.number("funcid"), node["funcretset"])
            case "OPEXPR":
                return self._call(node, node.number("opfuncid"), node["opretset"])
            case "SCALARARRAYOPEXPR":
                return self._comparison(node)
            case "COERCEVIAIO":
                return self._cast(node)
            case _:
                return None

    def _call(self, node: Node, function: int, is_set: str) -> str | None:
        name, arguments = self.functions.get(function), self._list(node.nodes("args"))
        if name is None or arguments is None or "true" in {is_set, node["funcvariadic"]}:
            return None
        return f"pg_catalog.{sql.quote(name)}({arguments})"

    def _comparison(self, node: Node) -> str | None:
        value, array = node.nodes("args")
        operator = self.operators.get(node.number("opno"))
        one, elements = self._operand(value), self._list(array.nodes("elements"))
        is_known = node.number("opfuncid") in self.functions and array.kind == "ARRAYEXPR"
        if operator is None or one is None or not elements or not is_known:
            return None
        every = "any" if node["useOr"] == "true" else "all"
        return f"{one} operator(pg_catalog.{operator}) {every} (array[{elements}])"

    def _cast(self, node: Node) -> str | None:
        to, operand = _TYPES.get(node.number("resulttype")), self._operand(node["arg"])
        return None if to is None or operand is None else f"({operand})::{to}"

    def _list(self, nodes: Iterable[Node]) -> str | None:
        found = [self._operand(each) for each in nodes]
        known = [each for each in found if each is not None]
        return ", ".join(known) if len(known) == len(found) else None

    def _operand(self, node: Node) -> str | None:
        match node.kind:
            case "CONST":
                return _constant(node)
            case "RELABELTYPE":
                return self._cast(node)
            case _:
                return self.sql_of(node)


def _constant(node: Node) -> str | None:
    number = node.number("consttype")
    if number not in _TYPES:
        return None
    if node["constisnull"] == "true":
        return f"null::{_TYPES[number]}"
    value: bytes = node["constvalue"]
    if number in _WHOLE:
        text = str(int.from_bytes(value[: node.number("constlen")], "little", signed=True))
    elif number in _TEXTS:
        text = value[_HEADER:].decode()
    else:
        text = str(any(value)).lower()
    return f"{sql.literal(text)}::{_TYPES[number]}"
