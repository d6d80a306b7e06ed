"""What has the name of an object beside tables that a pending revision creates, and is in its way.

A function that ``create or replace`` takes is no obstacle, nor is a type of the same values or a
sequence: the memory puts it back, or leaves it. A view is: it is replaced where it has the same
columns alone, and a materialized view is not replaced at all. So are a type of other values and an
index of another table.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from alembic.script import Script
from sqlalchemy import Connection, Enum, text

from townhall.migrate.guard.revision_files import (
    Named,
    created_by,
    creations_of,
    indexes_of,
    objects_dropped_by,
    objects_of,
)
from townhall.pg import DataType, Entity, EnumType, Routine, sql


def other_objects(
    connection: Connection | None, revisions: Sequence[Script], made: Collection[tuple[str, ...]]
) -> str | None:
    """Return the SQL expression of a message about them; it is null where nothing is in the way.

    The temporary functions of the memory are there where the expression is evaluated.

    Args:
        connection: A connection to the database; None where it is not known.
        revisions: The revisions that are going to be applied.
        made: What applied revisions made, which later ones may make again.

    Returns:
        The expression, or None where there is nothing of these names.
    """
    expected: list[tuple[Named, Script]] = []
    dropped: set[Named] = set()
    for revision in revisions:
        dropped.update(objects_dropped_by(revision))
        # A view may have the name that a table of an applied revision has until it is renamed.
        expected.extend(
            (each, revision)
            for each in _named(revision)
            if each not in made and each[1:3] not in made and each not in dropped
        )
    if connection is not None:
        listed = json.dumps(sorted({each[1:3] for each, _ in expected}))
        found = {tuple(row) for row in connection.execute(text(_EXISTING), {"names": listed})}
        expected = [(each, revision) for each, revision in expected if each[1:3] in found]
    if not expected:
        return None
    tables = {(each.table[0], name) for each in creations_of(revisions) for name in each.names}
    rows = list(_rows(expected, tables))
    return _MESSAGE.format(expected=sql.literal(json.dumps(rows, ensure_ascii=False)))


def _named(revision: Script) -> Iterable[Named]:
    yield from (each for each in objects_of(revision) if not each[3])
    yield from indexes_of(revision)


def _rows(
    expected: Iterable[tuple[Named, Script]], tables: Collection[tuple[str, str]]
) -> Iterable[dict[str, Any]]:
    names = {each[:3] for each, _ in expected}
    creating = {
        revision.revision: revision
        for (kind, *_), revision in expected
        if kind in {"function", "type"}
    }
    created = [each for revision in creating.values() for each in _entities(revision)]
    for (kind, schema, name, table), _ in expected:
        if kind != "function" and (schema, name) not in tables:
            yield {"kind": kind, "schema": schema, "name": name, "table": table}
    for entity in created:
        if isinstance(entity, DataType):
            kind, name = "type", entity.literal_name
            # It is made beside the one that is there.
            tried: Entity = replace(entity, schema="pg_temp", name="townhall_tried")
        else:
            kind, name, tried = "function", entity.literal_signature, entity
        if (kind, entity.schema, entity.name) in names:
            yield {
                "kind": kind,
                "schema": entity.schema,
                "name": entity.name,
                "signature": name,
                "statement": next(iter(tried.create_statements())),
            }


def _entities(revision: Script) -> Iterable[Routine | DataType]:
    created = created_by(revision)
    yield from (each for each in created.entities if isinstance(each, Routine | DataType))
    for column in (column for table in created.tables for column in table.columns):
        if isinstance(column.type, Enum) and column.type.name is not None:
            yield EnumType(
                schema=column.type.schema or "public",
                name=column.type.name,
                values=tuple(column.type.enums),
            )


_EXISTING = """
    with names as (
        select n.oid as schema, n.nspname, e.value ->> 1 as name
        from jsonb_array_elements(cast(:names as jsonb)) as e
        join pg_catalog.pg_namespace as n on n.nspname = e.value ->> 0
    )
    select nspname, name
    from names
    join pg_catalog.pg_class as c on c.relnamespace = schema and c.relname = name
    union
    select nspname, name
    from names
    join pg_catalog.pg_type as t on t.typnamespace = schema and t.typname = name
    union
    select nspname, name
    from names
    join pg_catalog.pg_proc as p on p.pronamespace = schema and p.proname = name
"""

_MESSAGE = """(
    with expected as (
        select *
        from pg_catalog.jsonb_to_recordset({expected}) as e (
            kind text, schema text, name text, "table" text, signature text, statement text
        )
        where not pg_temp.townhall_is_made(e.schema, e.name, e.kind)
    ),
    relations as (
        select
            e.*,
            c.relkind,
            case c.relkind
                when 'v' then 'a view'
                when 'm' then 'a materialized view'
                when 'f' then 'a foreign table'
                when 'S' then 'a sequence'
                when 'c' then 'a type'
                when 'i' then 'an index'
                when 'I' then 'an index'
                else 'a table'
            end as what,
            o.relname as place
        from expected as e
        join pg_catalog.pg_namespace as n on n.nspname = e.schema
        join pg_catalog.pg_class as c on c.relnamespace = n.oid and c.relname = e.name
        left join pg_catalog.pg_index as i on i.indexrelid = c.oid
        left join pg_catalog.pg_class as o on o.oid = i.indrelid
    ),
    facts (line) as (
        select pg_catalog.format('%I.%I: it is %s', schema, name, what)
        from relations
        where kind = 'view'
            or kind = 'sequence' and relkind <> 'S'
            or kind = 'type' and relkind <> 'c'
        union all
        select pg_catalog.format(
            '%I.%I: it is %s; declared: an index of %I',
            schema, name, what || ' of ' || pg_catalog.quote_ident(place), "table"
        )
        from relations
        where kind = 'index' and place is distinct from "table"
        union all
        select pg_catalog.format('%s: %s', e.signature, r.refusal)
        from expected as e
        cross join lateral (select pg_temp.townhall_refusal(e.statement)) as r (refusal)
        where e.kind = 'function' and r.refusal is not null
        union
        select pg_catalog.format('%s: %s', e.signature, r.difference)
        from expected as e
        cross join lateral (
            select pg_temp.townhall_other_type(e.schema, e.name, e.statement)
        ) as r (difference)
        where e.kind = 'type' and r.difference is not null
    )
    select
        'There are objects that no revision of this history made, and that the revisions can''t'
        ' replace by their own; nothing was changed.'
        || pg_catalog.string_agg(
            E'\\n- ' || pg_catalog.replace(line, E'\\n', '\\n'), '' order by line
        )
        || E'\\nSee what it takes to adopt them: townhall adopt'
    from facts
)"""
