"""Keys that are replaced, and that foreign keys refer to."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, text

from townhall.adopt.differences import (
    Difference,
    OtherConstraint,
    OtherIndex,
    UndeclaredConstraint,
)
from townhall.adopt.findings import Finding, Weight, listed
from townhall.pg import sql

_MOST = 5


def findings_on_references(
    connection: Connection, differences: Iterable[Difference]
) -> Iterable[Finding]:
    """Yield a finding for each key or unique index that can't be replaced.

    Args:
        connection: A connection to the database.
        differences: The differences of existing tables.
    """
    for each in differences:
        match each:
            case OtherConstraint(declared=declared, actual=actual):
                name, definition = actual.name, declared.definition
            case OtherIndex(declared=declared, actual=actual):
                name, definition = actual.name, declared.definition
            case UndeclaredConstraint(constraint=constraint, replaced_by=index) if index:
                name, definition = constraint.name, index.definition
            case _:
                continue
        schema, table = each.table
        values = {"schema": schema, "table": table, "name": name}
        if references := list(connection.scalars(text(_REFERENCES), values)):
            yield Finding(
                Weight.STOP,
                "key that is referred to",
                each.identity,
                each.table,
                sql.quote(name),
                f"is another key than the declared {definition}, and foreign keys"
                f" refer to it: {listed(references, _MOST)}",
                "drop these foreign keys, adopt, and create them again to a key that is there then",
            )


_REFERENCES = """
    select pg_catalog.format('%I on %I.%I', f.conname, p.nspname, r.relname)
    from pg_catalog.pg_class as t
    join pg_catalog.pg_namespace as n on n.oid = t.relnamespace
    join pg_catalog.pg_index as i on i.indrelid = t.oid
    join pg_catalog.pg_class as c on c.oid = i.indexrelid and c.relname = :name
    join pg_catalog.pg_constraint as f on f.conindid = c.oid
        and f.contype = 'f'
        and f.conparentid = 0
    join pg_catalog.pg_class as r on r.oid = f.conrelid
    join pg_catalog.pg_namespace as p on p.oid = r.relnamespace
    where n.nspname = :schema and t.relname = :table
    order by 1
"""
