"""The identities of objects, by which findings and decisions name them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from townhall.check.snapshot import Object
from townhall.pg import Routine, sql
from townhall.pg.catalog import TableName

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


def named_at_head(identity: str, renames: Mapping[TableName, TableName]) -> str:
    """Return an object of a table, or a column, as decisions name it after the upgrade.

    Others are returned as they are.

    Args:
        identity: The object as decisions name it.
        renames: The names at head of tables that revisions rename, by the former ones.
    """
    for former, last in renames.items():
        name = re.escape(sql.qualified(*former))
        if (found := re.search(rf"(?:^|(?<= )){name}(?=[ .]|$)", identity)) is not None:
            return f"{identity[: found.start()]}{sql.qualified(*last)}{identity[found.end() :]}"
    return identity
