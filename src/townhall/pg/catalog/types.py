"""Enums and domains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection

from townhall.pg.catalog.fragments import comment, not_of_an_extension, rows


@dataclass(frozen=True)
class Use:
    """A column of a table that has a type, or an array of it.

    Attributes:
        schema: The schema of the table.
        table: The name of the table.
        column: The name of the column.
        type: The type of the column as SQL names it: ``public.mood[]``.
        default: The expression of its default.
    """

    schema: str
    table: str
    column: str
    type: str
    default: str | None


@dataclass(frozen=True)
class Type:
    """An enum or a domain.

    Attributes:
        schema: The schema of the type.
        name: The name of the type.
        kind: ``enum`` or ``domain``.
        values: The values of an enum, in their order.
        base: The type that a domain is made of.
        is_nullable: Whether a domain accepts NULL.
        default: The default of a domain.
        checks: The definitions of a domain's checks, by name.
        comment: The comment on the type.
        columns: The columns of tables that have the type.
        is_used_elsewhere: Whether a function, a view or another type depends on it.
    """

    schema: str
    name: str
    kind: Literal["enum", "domain"]
    values: tuple[str, ...]
    base: str | None
    is_nullable: bool
    default: str | None
    checks: Mapping[str, str]
    comment: str | None
    columns: Sequence[Use]
    is_used_elsewhere: bool


def read_types(connection: Connection, schemas: Sequence[str]) -> list[Type]:
    """Return the enums and domains in some schemas; those of extensions are left out.

    Args:
        connection: A connection within a transaction, whose ``search_path`` is empty.
        schemas: Names of schemas.
    """
    return [
        Type(
            **{
                **row,
                "values": tuple(row["values"]),
                "columns": [Use(**use) for use in row["columns"]],
            }
        )
        for row in rows(connection, _QUERY, schemas)
    ]


_QUERY = f"""
    select
        n.nspname as schema,
        t.typname as name,
        case t.typtype when 'e' then 'enum' else 'domain' end as kind,
        array(
            select e.enumlabel::text
            from pg_catalog.pg_enum as e
            where e.enumtypid = t.oid
            order by e.enumsortorder
        ) as values,
        case when t.typtype = 'd' then
            pg_catalog.format_type(t.typbasetype, t.typtypmod)
        end as base,
        not t.typnotnull as is_nullable,
        t.typdefault as default,
        coalesce((
            select jsonb_object_agg(o.conname, pg_catalog.pg_get_constraintdef(o.oid))
            from pg_catalog.pg_constraint as o
            where o.contypid = t.oid and o.contype = 'c'
        ), '{{}}') as checks,
        {comment("pg_type", "t")} as comment,
        coalesce((
            select jsonb_agg(jsonb_build_object(
                'schema', s.nspname,
                'table', c.relname,
                'column', a.attname,
                'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
                'default', pg_catalog.pg_get_expr(f.adbin, f.adrelid)
            ) order by s.nspname, c.relname, a.attnum)
            from pg_catalog.pg_attribute as a
            join pg_catalog.pg_class as c on c.oid = a.attrelid
            join pg_catalog.pg_namespace as s on s.oid = c.relnamespace
            left join pg_catalog.pg_attrdef as f on f.adrelid = c.oid and f.adnum = a.attnum
            where a.atttypid in (t.oid, t.typarray)
                and not a.attisdropped and c.relkind in ('r', 'p') and not c.relispartition
        ), '[]') as columns,
        exists (
            select
            from pg_catalog.pg_depend as d
            where d.refclassid = 'pg_catalog.pg_type'::regclass
                and d.refobjid in (t.oid, t.typarray)
                and d.deptype = 'n'
                and d.classid in (
                    'pg_catalog.pg_proc'::regclass,
                    'pg_catalog.pg_rewrite'::regclass,
                    'pg_catalog.pg_type'::regclass
                )
        ) as is_used_elsewhere
    from pg_catalog.pg_type as t
    join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
    where t.typtype in ('d', 'e')
        and n.nspname = any (%(schemas)s)
        and {not_of_an_extension("pg_type", "t")}
"""
