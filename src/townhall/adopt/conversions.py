"""How the values of a column become values of the declared type."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from townhall.pg import sql
from townhall.pg.catalog import Column

_TEXTS = {"text", "character varying"}

_WIDER = {
    "bigint": {"numeric"},
    "bpchar": _TEXTS,
    "character": _TEXTS,
    "character varying": {"text"},
    "citext": _TEXTS,
    "enum": _TEXTS,
    "inet": {"text"},
    "integer": {"bigint", "numeric"},
    "json": {"jsonb"},
    "name": _TEXTS,
    "real": {"double precision"},
    "smallint": {"bigint", "integer", "numeric"},
    "text": {"character varying"},
    "uuid": {"text"},
}
"""The types that have every value of a type, with the same meaning."""

_WITHOUT_REWRITE = {
    ("character varying", "text"),
    ("citext", "character varying"),
    ("citext", "text"),
    ("text", "character varying"),
}
"""The conversions for which PostgreSQL leaves the rows as they are."""

_TIMES = {"timestamp without time zone", "timestamp with time zone", "date"}
_MODIFIER = re.compile(r"\(([^()]*)\)")


@dataclass(frozen=True)
class Conversion:
    """How the values of a column become values of the declared type.

    Attributes:
        expression: The SQL that gives the converted value: ``status::text``.
        is_safe: Whether every value converts and keeps its meaning. Otherwise the expression is a
            suggestion, which needs a decision.
        rewrites: Whether PostgreSQL rewrites the table, which locks it meanwhile.
        remark: What is to be known, or an empty text.
    """

    expression: str
    is_safe: bool
    rewrites: bool
    remark: str = ""


def conversion(declared: Column, actual: Column, types: Mapping[str, str]) -> Conversion:
    """Return how the values of a column become values of the declared type.

    Args:
        declared: The column as declared.
        actual: The column as it is, with another type or collation.
        types: What the database's own types are: of a domain its base type, and ``enum``.
    """
    name = sql.quote(actual.name)
    cast = f"{name}::{declared.type}"
    base, target = _base(actual.type, types), _without_modifier(declared.type)
    if {base, target} <= _TIMES and base != target:
        return _between_times(name, base, target)
    if base == target:
        return Conversion(cast, *_other_modifier(declared.type, actual.type))
    is_array = base.endswith("[]") and target.endswith("[]")
    is_wider = _is_wider(base[:-2], target[:-2]) if is_array else _is_wider(base, target)
    return Conversion(
        cast,
        is_safe=is_wider and declared.type == target,
        rewrites=(_unqualified(base), declared.type) not in _WITHOUT_REWRITE,
        remark=_remark(_unqualified(base), target),
    )


def _base(type_: str, types: Mapping[str, str]) -> str:
    name, brackets = type_.removesuffix("[]"), "[]" if type_.endswith("[]") else ""
    return _without_modifier(types.get(_without_modifier(name), name)) + brackets


def _without_modifier(type_: str) -> str:
    return _MODIFIER.sub("", type_)


def _unqualified(type_: str) -> str:
    # The type of an extension is in a schema of the application's choice.
    return type_.rpartition(".")[2]


def _is_wider(base: str, target: str) -> bool:
    return base == target or target in _WIDER.get(_unqualified(base), ())


def _other_modifier(declared: str, actual: str) -> tuple[bool, bool]:
    # Whether every value fits, and whether the rows are rewritten.
    wanted, existing = _numbers(declared), _numbers(actual)
    if not wanted:
        is_padded = _without_modifier(declared) in {"character", "bit"}
        return not is_padded, is_padded
    if not existing or len(wanted) != len(existing):
        return False, True
    if len(wanted) == 1:
        return wanted >= existing, wanted < existing
    (digits, scale), (former_digits, former_scale) = wanted, existing
    is_safe = scale >= former_scale and digits - scale >= former_digits - former_scale
    return is_safe, scale != former_scale or not is_safe


def _numbers(type_: str) -> list[int]:
    match = _MODIFIER.search(type_)
    parts = match[1].split(",") if match else []
    return [int(part) for part in parts if part.strip().lstrip("-").isdigit()]


def _between_times(name: str, base: str, target: str) -> Conversion:
    if base == "date" and target == "timestamp without time zone":
        return Conversion(f"{name}::timestamp", is_safe=True, rewrites=True)
    if target == "date":
        return Conversion(f"{name}::date", is_safe=False, rewrites=True)
    value = f"{name}::timestamp" if base == "date" else name
    remark = "the time zone that the values were written in has to be named"
    return Conversion(f"{value} at time zone 'UTC'", is_safe=False, rewrites=True, remark=remark)


def _remark(base: str, target: str) -> str:
    if base == "citext" and target in _TEXTS:
        return "upper and lower case differ afterwards"
    if base == "json" and target == "jsonb":
        return "of a key that an object has twice, the last value stays"
    return ""
