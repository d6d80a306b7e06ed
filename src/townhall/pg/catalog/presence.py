"""Which of the less common kinds of objects a database has, read in one query.

A query of a kind that is absent costs as much as one of a kind that is there, and most databases
lack most of these kinds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from townhall.pg.catalog.fragments import rows
from townhall.pg.catalog.schemas import PLATFORM_SCHEMAS

_TYPE = """
    select
    from pg_catalog.pg_type as t
    join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
    where t.typtype = '{letter}' and n.nspname = any (%(schemas)s)
"""
_RELATION = """
    select
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ({letters}) and n.nspname = any (%(schemas)s)
"""
_PLATFORM = ", ".join(
    f"'{name}'" for name in sorted(PLATFORM_SCHEMAS) if name != "information_schema"
)

SIGNS: Mapping[str, str] = {
    "enum": _TYPE.format(letter="e"),
    "domain": _TYPE.format(letter="d"),
    "range type": _TYPE.format(letter="r"),
    "composite type": _RELATION.format(letters="'c'"),
    "sequence": _RELATION.format(letters="'S'"),
    "materialized view": _RELATION.format(letters="'m'"),
    "procedure": """
        select
        from pg_catalog.pg_proc as p
        join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
        where p.prokind = 'p' and n.nspname = any (%(schemas)s)
    """,
    "storage parameters": """
        select
        from pg_catalog.pg_class as c
        where c.relkind in ('r', 't') and c.reloptions is not null
    """,
    # A plain server has no tables of the platform.
    "table grant": f"""
        select
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'v', 'm') and n.nspname in ({_PLATFORM})
    """,
    # Each table has one, and nearly always the default.
    "replica identity": """
        select
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p')
            and c.relreplident <> 'd'
            and n.nspname = any (%(schemas)s)
    """,
    # Every database has this one.
    "extension": "select from pg_catalog.pg_extension where extname <> 'plpgsql'",
    "publication table": "select from pg_catalog.pg_publication_rel",
    "default privileges": "select from pg_catalog.pg_default_acl",
}
"""For each kind, a query that returns a row where there is an object of it to read."""


def absent_kinds(connection: Connection, schemas: Sequence[str]) -> set[str]:
    """Return those of the less common kinds of which some schemas have no object.

    Args:
        connection: A connection within a transaction.
        schemas: Names of schemas.
    """
    (row,) = rows(connection, _QUERY, schemas)
    return {kind for kind in SIGNS if not row[kind]}


_QUERY = "select " + ", ".join(f'exists ({query}) as "{kind}"' for kind, query in SIGNS.items())
