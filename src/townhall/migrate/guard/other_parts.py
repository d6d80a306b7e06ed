"""What has the name of a constraint or an index of a pending revision on its table, and is another.

A revision leaves one that exists as it is, so that what is declared would not be there.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence

from alembic.script import Script
from sqlalchemy import Connection, text

from townhall.migrate.created_parts import CreatedPart
from townhall.migrate.guard.revision_files import (
    PendingTable,
    created_by,
    parts_added_by,
    parts_dropped_by,
)
from townhall.pg import sql
from townhall.pg.catalog import TableName

_Named = tuple[TableName, str]
"""A table and the name of a part of it."""


def other_parts(
    connection: Connection | None,
    revisions: Sequence[Script],
    creations: Iterable[PendingTable],
    made: Collection[_Named],
) -> str | None:
    """Return the SQL expression of a message about them; it is null where nothing is in the way.

    The temporary functions of the memory are there where the expression is evaluated.

    Args:
        connection: A connection to the database; None where it is not known.
        revisions: The revisions that are going to be applied.
        creations: The tables that they create.
        made: What applied revisions added, which later ones may change.

    Returns:
        The expression, or None where there is nothing of these names.
    """
    names = {each.table: each.names for each in creations}
    tables = {(schema, name) for (schema, _), known in names.items() for name in known}
    tables |= {table for revision in revisions for table, _ in parts_added_by(revision)}
    existing = None if connection is None else _existing(connection, tables)
    if existing is not None and not existing:
        return None
    parts = [
        each
        for each in _created(revisions, names, made)
        if existing is None or (each.table, each.name) in existing
    ]
    if not parts:
        return None
    listed = json.dumps([[*each.table, *each[1:]] for each in parts], ensure_ascii=False)
    return _MESSAGE.format(parts=sql.literal(listed))


def _existing(connection: Connection, tables: Iterable[TableName]) -> set[_Named]:
    rows = connection.execute(text(_EXISTING), {"tables": json.dumps(sorted(tables))})
    return {((row.schema, row.table), row.name) for row in rows}


def _created(
    revisions: Iterable[Script], names: dict[TableName, frozenset[str]], made: Collection[_Named]
) -> Iterable[CreatedPart]:
    """Yield the first creation of each part, with each name that its table may have."""
    seen = {*made}
    dropped: set[str] = set()
    for revision in revisions:
        dropped |= parts_dropped_by(revision)
        for part in created_by(revision).parts:
            schema, table = part.table
            if (part.table, part.name) in seen or part.name in dropped:
                continue
            seen.add((part.table, part.name))
            for name in sorted(names.get(part.table, {table})):
                yield part._replace(table=(schema, name), name=part.name.replace(table, name))


_EXISTING = """
    with tables as (
        select n.nspname as schema, c.relname as table, c.oid
        from jsonb_array_elements(cast(:tables as jsonb)) as e
        join pg_catalog.pg_namespace as n on n.nspname = e.value ->> 0
        join pg_catalog.pg_class as c on c.relnamespace = n.oid and c.relname = e.value ->> 1
    )
    select t.schema, t.table, k.conname as name
    from tables as t
    join pg_catalog.pg_constraint as k on k.conrelid = t.oid
    union
    select t.schema, t.table, c.relname
    from tables as t
    join pg_catalog.pg_index as i on i.indrelid = t.oid
    join pg_catalog.pg_class as c on c.oid = i.indexrelid
"""
"""The constraints and indexes of some tables."""

_MESSAGE = """(
    select
        'There are constraints and indexes that no revision of this history made, and that have the'
        ' names of other ones that the revisions add; nothing was changed.'
        || pg_catalog.string_agg(
            E'\\n- ' || pg_catalog.replace(
                pg_catalog.format(
                    '%I.%I: its %s %I is: %s; declared: %s',
                    e.value ->> 0,
                    e.value ->> 1,
                    pg_catalog.replace(e.value ->> 2, 'unique ', ''),
                    e.value ->> 3,
                    o.actual,
                    pg_catalog.regexp_replace(e.value ->> 4, '\\s+', ' ', 'g')
                ),
                E'\\n', '\\n'
            ),
            '' order by e.value ->> 0, e.value ->> 1, e.value ->> 3
        )
        || E'\\nSee what it takes to adopt them: townhall adopt'
    from pg_catalog.jsonb_array_elements({parts}) as e
    cross join lateral (
        select pg_temp.townhall_other_part(
            e.value ->> 0, e.value ->> 1, e.value ->> 2, e.value ->> 3, e.value ->> 4
        )
    ) as o (actual)
    where o.actual is not null
)"""
