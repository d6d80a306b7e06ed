"""Which of the less common kinds of objects a database has, and which parts its tables have.

A query of a kind that is absent costs as much as one of a kind that is there, and most databases
lack most of these kinds. Each of the two is read in one query.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection

from townhall.pg.catalog.fragments import rows
from townhall.pg.catalog.schemas import PLATFORM_SCHEMAS
from townhall.pg.catalog.tables import TableName

_PLATFORM = ", ".join(
    f"'{name}'" for name in sorted(PLATFORM_SCHEMAS) if name != "information_schema"
)

_OF_TYPES: Mapping[str, str] = {
    "enum": "bool_or(t.typtype = 'e')",
    "domain": "bool_or(t.typtype = 'd')",
    "range type": "bool_or(t.typtype = 'r')",
}
_OF_RELATIONS: Mapping[str, str] = {
    "composite type": "bool_or(c.relkind = 'c' and n.is_compared)",
    "sequence": "bool_or(c.relkind = 'S' and n.is_compared)",
    "materialized view": "bool_or(c.relkind = 'm' and n.is_compared)",
    "storage parameters": "bool_or(c.relkind in ('r', 't') and c.reloptions is not null)",
    # A plain server has no tables of the platform.
    "table grant": "bool_or(c.relkind in ('r', 'p', 'v', 'm') and n.is_of_platform)",
    # Each table has one, and nearly always the default.
    "replica identity": """
        bool_or(c.relkind in ('r', 'p') and c.relreplident <> 'd' and n.is_compared)
    """,
}
_OF_OTHERS: Mapping[str, str] = {
    "procedure": """
        exists (
            select
            from pg_catalog.pg_proc as p
            join spaces as n on n.oid = p.pronamespace
            where p.prokind = 'p' and n.is_compared
        )
    """,
    # Every database has this one.
    "extension": "exists (select from pg_catalog.pg_extension where extname <> 'plpgsql')",
    "publication table": "exists (select from pg_catalog.pg_publication_rel)",
    "default privileges": "exists (select from pg_catalog.pg_default_acl)",
}

SIGNS = frozenset({*_OF_TYPES, *_OF_RELATIONS, *_OF_OTHERS})
"""The kinds that are looked for."""


def absent_kinds(
    connection: Connection, schemas: Sequence[str], kinds: Collection[str] = SIGNS
) -> set[str]:
    """Return those of the less common kinds of which some schemas have no object.

    Args:
        connection: A connection within a transaction.
        schemas: Names of schemas.
        kinds: The kinds that are asked for.
    """
    asked = SIGNS & {*kinds}
    if not asked:
        return set()
    (row,) = rows(connection, _QUERY, schemas)
    return {kind for kind in asked if not row[kind]}


def tables_with_parts(
    connection: Connection, schemas: Sequence[str]
) -> Mapping[str, set[TableName]]:
    """Return the tables that have a part, by the name that SQLAlchemy's inspector has for it.

    These are ``foreign_keys``, ``indexes`` other than those of primary keys, ``table_comment`` and
    ``unique_constraints``; one that no table has is empty.

    Args:
        connection: A connection within a transaction.
        schemas: Names of schemas.
    """
    found: dict[str, set[TableName]] = defaultdict(set)
    for row in rows(connection, _PARTS, schemas):
        found[row["part"]].add((row["schema"], row["name"]))
    return found


def _columns(expressions: Mapping[str, str]) -> str:
    return ", ".join(f'{expression} as "{kind}"' for kind, expression in expressions.items())


_QUERY = f"""
    with spaces as (
        select
            n.oid,
            n.nspname = any (%(schemas)s) as is_compared,
            n.nspname in ({_PLATFORM}) as is_of_platform
        from pg_catalog.pg_namespace as n
    )
    select *
    from (
        select {_columns(_OF_TYPES)}
        from pg_catalog.pg_type as t
        join spaces as n on n.oid = t.typnamespace
        where t.typtype in ('e', 'd', 'r') and n.is_compared
    ) as types,
    (
        select {_columns(_OF_RELATIONS)}
        from pg_catalog.pg_class as c
        join spaces as n on n.oid = c.relnamespace
    ) as relations,
    (
        select {_columns(_OF_OTHERS)}
    ) as others
"""

_PARTS = """
    select n.nspname as schema, c.relname as name, p.part
    from (
        select distinct x.indrelid, 'indexes'
        from pg_catalog.pg_index as x
        where not x.indisprimary
        union all
        select distinct
            o.conrelid,
            case o.contype when 'f' then 'foreign_keys' else 'unique_constraints' end
        from pg_catalog.pg_constraint as o
        where o.contype in ('f', 'u')
        union all
        select d.objoid, 'table_comment'
        from pg_catalog.pg_description as d
        where d.classoid = 'pg_catalog.pg_class'::regclass and d.objsubid = 0
    ) as p (relation, part)
    join pg_catalog.pg_class as c on c.oid = p.relation
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'f') and n.nspname = any (%(schemas)s)
"""
