"""What has the name of a table that a pending revision creates, and is not that table.

A revision leaves a table that exists as it is. Where that one lacks a column, the statements behind
it fail, after the earlier revisions are committed; where it lacks a constraint, nothing enforces
what is declared. So a run is refused before its first change.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Connection,
    Constraint,
    DefaultClause,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql.base import PGDialect

from townhall.migrate.guard.revision_files import PendingTable, created_by
from townhall.migrate.guard.table_statements import StatedTable, type_of
from townhall.pg import sql
from townhall.pg.catalog import TIES

_DIALECT = PGDialect()  # type: ignore[no-untyped-call] # SQLAlchemy's

_KINDS: dict[type[Constraint], str] = {
    PrimaryKeyConstraint: "p",
    UniqueConstraint: "u",
    ForeignKeyConstraint: "f",
    CheckConstraint: "c",
}


def obstacles(connection: Connection | None, creations: Sequence[PendingTable]) -> str | None:
    """Return the SQL expression of a message about what is in the way of tables.

    A table is in the way that lacks a column, a type, NOT NULL, a default of a column that is not
    null, or a constraint that the revision gives it, whose columns are generated otherwise, or that
    is partitioned, unlogged or shares its columns with another table or a type, unless this history
    made it. So is anything else of its name. The message has a line for each, and is null where
    nothing is in the way.

    The temporary functions of the memory are there where the expression is evaluated.

    Args:
        connection: A connection to the database; None where it is not known.
        creations: The tables that pending revisions create.

    Returns:
        The expression, or None where there is nothing of these names.
    """
    if connection is not None:
        names = json.dumps([[each.table[0], sorted(each.names)] for each in creations])
        existing = {tuple(row) for row in connection.execute(text(_EXISTING), {"names": names})}
        creations = [
            each
            for each in creations
            if any((each.table[0], name) in existing for name in each.names)
        ]
    return _message(creations) if creations else None


def _message(creations: Sequence[PendingTable]) -> str:
    """Return the SQL expression of the message, which is null where nothing is in the way."""
    expected = json.dumps(list(_expected(creations)), ensure_ascii=False)
    return _MESSAGE.format(expected=sql.literal(expected), ties=TIES)


def _expected(creations: Sequence[PendingTable]) -> Iterable[dict[str, Any]]:
    created = {
        (name, table.schema or "public", table.name): table
        for name, revision in {each.revision.revision: each.revision for each in creations}.items()
        for table in created_by(revision).tables
    }
    for each in creations:
        table = created.get((each.revision.revision, *each.table))
        yield {
            "schema": each.table[0],
            "name": each.table[1],
            "names": sorted(each.names),
            **(_stated(each.stated) if each.stated is not None else _declared(table)),
        }


def _stated(table: StatedTable) -> dict[str, Any]:
    return {
        "columns": [
            {
                "name": each.name,
                "type": each.type,
                "not_null": each.is_not_null,
                "has_default": each.has_default or each.identity != "",
                "is_generated": each.is_generated,
                "identity": each.identity,
            }
            for each in table.columns
        ],
        "constraints": [asdict(each) for each in table.constraints],
        "is_plain": table.is_plain,
    }


def _declared(table: Table | None) -> dict[str, Any]:
    if table is None:
        return {"columns": [], "constraints": [], "is_plain": False}
    options = table.dialect_options["postgresql"]
    return {
        "columns": list(_columns(table)),
        "constraints": list(_constraints(table)),
        "is_plain": not (table._prefixes or options["partition_by"] or options["inherits"]),  # noqa: SLF001 - there is no public way
    }


def _columns(table: Table) -> Iterable[dict[str, Any]]:
    for column in table.columns:
        yield {
            "name": column.name,
            "type": type_of(column.type.compile(dialect=_DIALECT)),
            "not_null": column.primary_key or not column.nullable,
            "has_default": isinstance(column.server_default, DefaultClause)
            or column is table.autoincrement_column,
            "is_generated": column.computed is not None,
            "identity": "" if column.identity is None else "a" if column.identity.always else "d",
        }


def _constraints(table: Table) -> Iterable[dict[str, Any]]:
    constraints = [each for each in table.constraints if isinstance(each.name, str)]
    for constraint in sorted(constraints, key=lambda each: str(each.name)):
        yield {
            "name": str(constraint.name),
            "kind": _KINDS.get(type(constraint), "x"),
            "columns": [column.name for column in getattr(constraint, "columns", ())],
            "references": constraint.elements[0].target_fullname.split(".")[-2]
            if isinstance(constraint, ForeignKeyConstraint)
            else None,
        }


_EXISTING = """
    with names as (
        select value ->> 0 as schema, jsonb_array_elements_text(value -> 1) as name
        from jsonb_array_elements(cast(:names as jsonb))
    )
    select n.nspname, c.relname
    from names
    join pg_catalog.pg_namespace as n on n.nspname = names.schema
    join pg_catalog.pg_class as c on c.relnamespace = n.oid and c.relname = names.name
    union
    select n.nspname, t.typname
    from names
    join pg_catalog.pg_namespace as n on n.nspname = names.schema
    join pg_catalog.pg_type as t on t.typnamespace = n.oid and t.typname = names.name
"""
"""The relations and types that have one of some names."""

_MESSAGE = """(
    with expected as (
        select e.*, existing.oid as relation, existing.kind, existing.name as found
        from pg_catalog.jsonb_to_recordset({expected}) as e (
            schema text, name text, names text[], columns jsonb, constraints jsonb, is_plain boolean
        )
        cross join lateral (
            select
                c.oid,
                case c.relkind
                    when 'v' then 'a view'
                    when 'm' then 'a materialized view'
                    when 'f' then 'a foreign table'
                    when 'S' then 'a sequence'
                    when 'i' then 'an index'
                    when 'I' then 'an index'
                    when 'c' then 'a type'
                end as kind,
                c.relname as name
            from pg_catalog.pg_class as c
            join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
            where n.nspname = e.schema and c.relname = any (e.names)
            union all
            select null, 'a type', t.typname
            from pg_catalog.pg_type as t
            join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
            where n.nspname = e.schema and t.typname = e.name and t.typrelid = 0
            order by 2 nulls first, 3
            limit 1
        ) as existing
        where existing.kind is null or existing.name = e.name
    ),
    facts (schema, name, fact) as (
        select e.schema, e.found, pg_catalog.format('it is %s', e.kind)
        from expected as e
        where e.kind is not null
        union all
        select e.schema, e.found, p.fact
        from expected as e
        join pg_catalog.pg_class as c on c.oid = e.relation
        cross join lateral (
            values
                (case when c.relkind = 'p' then 'it is a partitioned table' end),
                (case when c.relpersistence = 'u' then 'it is an unlogged table' end)
        ) as p (fact)
        where e.is_plain and e.kind is null and p.fact is not null
        union all
        select e.schema, e.found, pg_catalog.format('it %s', t.text)
        from expected as e
        join ({ties}) as t on t.relation = e.relation
        where e.is_plain and e.kind is null
        union all
        select
            e.schema,
            e.found,
            'it lacks ' || pg_catalog.string_agg(
                pg_catalog.quote_ident(d.value ->> 'name'), ', ' order by d.ordinality
            )
        from expected as e
        cross join lateral pg_catalog.jsonb_array_elements(e.columns) with ordinality as d
        where e.kind is null and not exists (
            select
            from pg_catalog.pg_attribute as a
            where a.attrelid = e.relation
                and a.attname = d.value ->> 'name'
                and not a.attisdropped
        )
        group by e.schema, e.found
        union all
        select
            e.schema,
            e.found,
            pg_catalog.string_agg(
                pg_catalog.concat_ws(
                    ' and ',
                    case
                        when d.type_differs then pg_catalog.format(
                            '%I is %s instead of %s',
                            a.attname,
                            pg_catalog.format_type(a.atttypid, a.atttypmod),
                            pg_catalog.lower(d.type)
                        )
                    end,
                    case
                        when d.not_null and not a.attnotnull
                            then pg_catalog.format('%I allows NULL', a.attname)
                    end,
                    case
                        when d.lacks_default
                            then pg_catalog.format('%I has no default', a.attname)
                    end,
                    case
                        when d.generation_differs then pg_catalog.format(
                            '%I is%s generated', a.attname, case when d.is_generated then ' not' end
                        )
                    end,
                    case
                        when d.refuses_values then pg_catalog.format(
                            '%I refuses values: it is generated always as identity', a.attname
                        )
                    end
                ),
                ', '
                order by a.attnum
            )
        from expected as e
        cross join lateral pg_catalog.jsonb_to_recordset(e.columns) as declared (
            name text,
            type text,
            not_null boolean,
            has_default boolean,
            is_generated boolean,
            "identity" text
        )
        join pg_catalog.pg_attribute as a on a.attrelid = e.relation
            and a.attname = declared.name
            and not a.attisdropped
        cross join lateral (
            select
                declared.type,
                declared.not_null,
                declared.is_generated,
                declared.is_generated <> (a.attgenerated <> '') as generation_differs,
                declared."identity" <> 'a' and a.attidentity = 'a' as refuses_values,
                declared.not_null
                and declared.has_default
                and not a.atthasdef
                and a.attidentity = '' as lacks_default,
                pg_catalog.to_regtype(declared.type) <> a.atttypid
                or (
                    declared.type is not null
                    and a.atttypid not in ('real'::regtype, 'double precision'::regtype)
                    and pg_catalog.replace(
                        pg_catalog.substring(declared.type, '\\(([^)]*)\\)'), ' ', ''
                    ) is distinct from pg_catalog.substring(
                        pg_catalog.format_type(a.atttypid, a.atttypmod), '\\(([^)]*)\\)'
                    )
                    and declared.type <> 'CHAR'
                ) as type_differs
        ) as d
        where e.kind is null
            and (
                d.type_differs
                or d.not_null and not a.attnotnull
                or d.lacks_default
                or d.generation_differs
                or d.refuses_values
            )
        group by e.schema, e.found
        union all
        select
            e.schema,
            e.found,
            pg_catalog.format(
                'it lacks the constraint %s%s',
                pg_catalog.min(pg_catalog.replace(d.name, e.name, e.found)),
                case when pg_catalog.count(*) > 1
                    then pg_catalog.format(' and %s more', pg_catalog.count(*) - 1)
                end
            )
        from expected as e
        cross join lateral pg_catalog.jsonb_to_recordset(e.constraints) as d (
            name text, kind text, columns text[], "references" text
        )
        where e.kind is null
            and not exists (
                select
                from pg_catalog.pg_constraint as c
                where c.conrelid = e.relation
                    and (
                        c.conname = pg_catalog.replace(d.name, e.name, e.found)
                        or c.contype = d.kind::"char"
                        and d.kind in ('p', 'u', 'f')
                        and d.columns operator(pg_catalog.<@) array(
                            select a.attname::text
                            from pg_catalog.pg_attribute as a
                            where a.attrelid = c.conrelid and a.attnum = any (c.conkey)
                        )
                        and pg_catalog.cardinality(d.columns) = pg_catalog.cardinality(c.conkey)
                        and (
                            d.kind <> 'f'
                            or d."references" = (
                                select r.relname
                                from pg_catalog.pg_class as r
                                where r.oid = c.confrelid
                            )
                        )
                    )
            )
        group by e.schema, e.found
    )
    select
        'There are tables that no revision of this history made, and that lack what the revisions'
        ' need; nothing was changed.' || pg_catalog.string_agg(line, '' order by line)
        || E'\\nSee what it takes to adopt them: townhall adopt'
    from (
        select E'\\n- ' || pg_catalog.replace(
            pg_catalog.format('%I.%I: %s', schema, name, pg_catalog.string_agg(fact, '; ')),
            E'\\n', '\\n'
        )
        from facts
        where not pg_temp.townhall_is_made(schema, name)
        group by schema, name
    ) as lines (line)
)"""
"""The message as an SQL expression."""
