"""The identities of objects, by which findings and decisions name them."""

from __future__ import annotations

from townhall.check.snapshot import Object
from townhall.pg import Routine, sql

ROUTINES = ("function", "procedure", "aggregate", "window function")
"""The kinds of objects that are named with the types of their arguments."""


def identity(kind: str, *names: str) -> str:
    """Return an object as decisions name it, quoted as SQL: ``policy public.profiles "can read"``.

    A column is named as SQL names it: ``column public.profiles.stage``.

    Args:
        kind: The kind of object.
        names: Its qualified name, beginning with the schema.
    """
    schema, name, *part = names
    if kind in ROUTINES:
        return f"{kind} {sql.quote(schema)}.{name}"
    if kind == "column":
        return f"{kind} {sql.qualified(*names)}"
    return " ".join([kind, sql.qualified(schema, name), *map(sql.quote, part)])


def identity_of(item: Object) -> str:
    """Return an object of a database as decisions name it.

    Args:
        item: The object.
    """
    if isinstance(item.entity, Routine):
        return f"{item.kind} {item.entity.literal_signature}"
    name, *others = item.names
    return identity(*item.key) if others else f"{item.kind} {name}"
