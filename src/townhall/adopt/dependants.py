"""The views, policies, triggers and functions of others that use what changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from townhall.adopt.differences import Difference, OtherType
from townhall.adopt.findings import Finding, Weight, listed
from townhall.adopt.writes import Sources
from townhall.check.snapshot import Snapshot
from townhall.pg import Routine, sql
from townhall.pg.catalog import Reader, TableName

_MOST = 6


def findings_on_dependants(
    differences: Iterable[Difference],
    readers: Sequence[Reader],
    code: Sources,
    declared: Snapshot,
) -> Iterator[Finding]:
    """Yield what uses converted columns, and what uses a table that changes.

    Args:
        differences: How the existing tables differ.
        readers: What reads columns of tables.
        code: The functions of the database.
        declared: What the revisions make, which is no dependant of others.
    """
    changed = list(differences)
    own = {item.names for item in declared.values() if isinstance(item.entity, Routine)}
    views = {item.names for item in declared.values() if "view" in item.kind}
    for difference in changed:
        if isinstance(difference, OtherType):
            yield from _of_column(difference, readers)
    for table in sorted({each.table for each in changed}):
        yield from _of_table(table, readers, code, own, views)


def _of_column(difference: OtherType, readers: Sequence[Reader]) -> Iterator[Finding]:
    place = (*difference.table, difference.actual.name)
    uses = [
        f"{each.kind} {each.name}"
        for each in readers
        if (each.table_schema, each.table, each.column) == place
    ]
    if uses:
        yield Finding(
            Weight.CHANGE,
            "uses of a converted column",
            difference.identity,
            difference.table,
            sql.quote(difference.actual.name),
            f"is used by {listed(uses, _MOST)}",
            "what uses it is dropped for the conversion and created again",
        )


def _of_table(
    table: TableName,
    readers: Sequence[Reader],
    code: Sources,
    own: Collection[tuple[str, ...]],
    views: Collection[tuple[str, ...]],
) -> Iterator[Finding]:
    uses: dict[str, list[str]] = defaultdict(list)
    own_views = {sql.qualified(*each) for each in views}
    for reader in readers:
        is_view = reader.kind in {"view", "materialized view"} and reader.name not in own_views
        if is_view and (reader.table_schema, reader.table) == table:
            uses[reader.kind].append(reader.name)
    for body in code.users(table):
        if (body.schema, body.signature.removeprefix(f"{sql.quote(body.schema)}.")) not in own:
            uses["function"].append(body.signature)
    for kind, names in sorted(uses.items()):
        unique = sorted({*names})
        name = sql.qualified(*table)
        seems = "seem to use" if kind == "function" else "read"
        yield Finding(
            Weight.NOTE,
            f"{kind}s that use it",
            f"table {name}",
            table,
            name,
            f"these {kind}s {seems} it: {listed(unique, _MOST)}",
            "they stay: see whether they still give what is expected of them",
        )
