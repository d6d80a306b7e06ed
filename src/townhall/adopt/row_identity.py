"""Indexes that go, and by which logical replication identifies the rows of their table.

Without such an index PostgreSQL refuses updates and deletions of a published table. So the rows are
identified by all their columns before it goes; a downgrade gives back what was there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, text

from townhall.adopt.differences import Difference, UndeclaredConstraint, UndeclaredIndex
from townhall.adopt.findings import Finding, Weight
from townhall.adopt.references import replaced_key
from townhall.adopt.step import Step
from townhall.pg import sql
from townhall.pg.catalog import TableName


def findings_on_row_identity(
    connection: Connection, differences: Iterable[Difference]
) -> Iterable[Finding]:
    """Yield a finding for each index that is replaced and identifies the rows of its table.

    Args:
        connection: A connection to the database.
        differences: The differences of existing tables.
    """
    indexes = _indexes(connection)
    for each in differences:
        name = _going(each, ())
        if name is not None and indexes.get(each.table) == name:
            yield Finding(
                Weight.CHANGE,
                "index that identifies rows",
                each.identity,
                each.table,
                sql.quote(name),
                "is the replica identity of its table, and is replaced",
                "rows are identified by all their columns: replica identity full",
            )


def identify(
    connection: Connection, differences: Iterable[Difference], drops: Collection[str]
) -> Iterable[Step]:
    """Yield what lets the rows of a table be identified without an index that goes.

    Args:
        connection: A connection to the database.
        differences: The differences of existing tables.
        drops: The identities of what goes.
    """
    indexes = _indexes(connection)
    for each in differences:
        if each.table in indexes and indexes[each.table] == _going(each, drops):
            target = sql.qualified(*each.table)
            yield Step(
                f"identify the rows of {target} by all their columns",
                (f"alter table {target} replica identity full",),
            )


def _going(difference: Difference, drops: Collection[str]) -> str | None:
    """Return the name of the index that goes, if one does."""
    if (keys := replaced_key(difference)) is not None:
        return keys[0].name
    if difference.identity not in drops:
        return None
    match difference:
        case UndeclaredConstraint(constraint=part) | UndeclaredIndex(index=part):
            return part.name
    return None


def _indexes(connection: Connection) -> dict[TableName, str]:
    return {(row.schema, row.name): row.marked for row in connection.execute(text(_INDEXES))}


_INDEXES = """
    select n.nspname as schema, c.relname as name, x.relname as marked
    from pg_catalog.pg_index as i
    join pg_catalog.pg_class as x on x.oid = i.indexrelid
    join pg_catalog.pg_class as c on c.oid = i.indrelid and c.relreplident = 'i'
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where i.indisreplident
"""
