"""The relations and types that revisions drop, as their files say it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from alembic.script import Script

from townhall.migrate.guard.revision_files import PendingTable
from townhall.migrate.revision_source import Call, read_source
from townhall.pg import sql
from townhall.pg.catalog import TableName

_NAMED_BY = {
    "View": "name",
    "MaterializedView": "name",
    "Sequence": "name",
    "EnumType": "name",
    "Domain": "name",
    "CompositeType": "name",
    "RangeType": "name",
    "PGView": "signature",
    "PGMaterializedView": "signature",
}
"""The entities that have a name which no table can have, and the argument that is their name."""

_IDENTIFIER = r'(?:"(?:[^"]|"")+"|\w+)'
_NAME = re.compile(rf"(?:(?P<schema>{_IDENTIFIER})\s*\.\s*)?(?P<name>{_IDENTIFIER})")
_DROP = re.compile(
    r"\bdrop\s+(?:table|(?:materialized\s+)?view|sequence|type|domain)\s+(?:if\s+exists\s+)?"
    rf"(?P<names>{_IDENTIFIER}(?:\s*[.,]\s*{_IDENTIFIER})*)",
    re.IGNORECASE,
)
"""What a statement drops that a revision executes."""


def is_dropped_before(creation: PendingTable, revisions: Sequence[Script]) -> bool:
    """Tell whether what has a table's name is dropped before the table is created.

    Args:
        creation: The table.
        revisions: The revisions that are going to be applied, in their order.
    """
    until = [each.revision for each in revisions].index(creation.revision.revision)
    return any(
        creation.table == name
        for revision in revisions[: until + 1]
        for call in read_source(Path(revision.path)).upgrade
        for name in _dropped(call)
    )


def _dropped(call: Call) -> Iterable[TableName]:
    schema = call.text("schema", "public")
    if call.drops and call.name in _NAMED_BY:
        yield schema, call.text(_NAMED_BY[call.name])
    elif call.name == "drop_table" and call.texts:
        yield schema, call.texts[0]
    elif call.name == "execute" and call.texts:
        for statement in _DROP.finditer(call.texts[0]):
            for name in _NAME.finditer(statement["names"]):
                yield _folded(name["schema"] or "public"), _folded(name["name"])


def _folded(identifier: str) -> str:
    return sql.unquote(identifier if identifier.startswith('"') else identifier.lower())
