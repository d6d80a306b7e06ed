"""Objects of the kinds that revisions do not manage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from townhall.pg.catalog.fragments import IDENTIFIED, SIGNATURE, not_of_an_extension, rows
from townhall.pg.catalog.schemas import PLATFORM_SCHEMAS


class Unmanaged(NamedTuple):
    """An object that no comparison creates, changes or drops.

    Attributes:
        kind: The kind of object: ``event trigger``.
        name: The object as SQL names it.
    """

    kind: str
    name: str


def read_unmanaged(connection: Connection, schemas: Sequence[str]) -> list[Unmanaged]:
    """Return the unmanaged objects of a database and of some schemas.

    Those of extensions are left out, and event triggers whose function is the platform's.

    Args:
        connection: A connection within a transaction, whose ``search_path`` is empty.
        schemas: Names of schemas.
    """
    return [Unmanaged(row["kind"], row["name"]) for row in rows(connection, _QUERY, schemas)]


def _objects(kind: str, catalog: str) -> str:
    return f"""
    select '{kind}', i.identity
    from pg_catalog.{catalog} as o
    cross join lateral pg_catalog.pg_identify_object(
        'pg_catalog.{catalog}'::regclass, o.oid, 0
    ) as i
    where o.oid >= {_FIRST_OF_OTHERS}
        and {not_of_an_extension(catalog, "o")}
        and {IDENTIFIED}
    """


_FIRST_OF_OTHERS = 16384
"""Objects that PostgreSQL itself brings have smaller numbers."""

_KINDS = {
    "access method": "pg_am",
    "collation": "pg_collation",
    "conversion": "pg_conversion",
    "foreign data wrapper": "pg_foreign_data_wrapper",
    "foreign server": "pg_foreign_server",
    "language": "pg_language",
    "operator class": "pg_opclass",
    "operator family": "pg_opfamily",
    "statistics": "pg_statistic_ext",
    "text search configuration": "pg_ts_config",
    "text search dictionary": "pg_ts_dict",
    "text search parser": "pg_ts_parser",
    "text search template": "pg_ts_template",
    "transform": "pg_transform",
}
"""The kinds of which every object is told, by the catalog that has them."""

_PLATFORM = ", ".join(f"'{name}'" for name in sorted(PLATFORM_SCHEMAS))

_QUERY = f"""
    select 'event trigger' as kind, pg_catalog.quote_ident(e.evtname) as name
    from pg_catalog.pg_event_trigger as e
    join pg_catalog.pg_proc as p on p.oid = e.evtfoid
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    where n.nspname not in ({_PLATFORM})
        and {not_of_an_extension("pg_event_trigger", "e")}
        and {not_of_an_extension("pg_proc", "p")}
    union all
    select
        'inheritance',
        pg_catalog.format('%%s from %%s', i.inhrelid::regclass, i.inhparent::regclass)
    from pg_catalog.pg_inherits as i
    join pg_catalog.pg_class as c on c.oid = i.inhrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where not c.relispartition and c.relkind = 'r' and n.nspname = any (%(schemas)s)
    union all
    select
        'cast',
        pg_catalog.format(
            '(%%s as %%s)',
            pg_catalog.format_type(k.castsource, null),
            pg_catalog.format_type(k.casttarget, null)
        )
    from pg_catalog.pg_cast as k
    where k.oid >= {_FIRST_OF_OTHERS}
        and {not_of_an_extension("pg_cast", "k")}
        -- That of a range type to its multirange type belongs to it.
        and not exists (
            select
            from pg_catalog.pg_depend as d
            where d.classid = 'pg_catalog.pg_cast'::regclass and d.objid = k.oid and d.deptype = 'i'
        )
    union all
    select 'operator', o.oid::regoperator::text
    from pg_catalog.pg_operator as o
    join pg_catalog.pg_namespace as n on n.oid = o.oprnamespace
    where n.nspname = any (%(schemas)s) and {not_of_an_extension("pg_operator", "o")}
    union all
    select 'publication', pg_catalog.quote_ident(p.pubname)
    from pg_catalog.pg_publication as p
    where not starts_with(p.pubname, 'supabase_')
    union all
    select 'subscription', pg_catalog.quote_ident(s.subname)
    from pg_catalog.pg_subscription as s
    join pg_catalog.pg_database as d on d.oid = s.subdbid
    where d.datname = pg_catalog.current_database()
    union all
    select
        case p.prokind when 'a' then 'aggregate' else 'window function' end,
        pg_catalog.quote_ident(n.nspname) || '.' || {SIGNATURE}
    from pg_catalog.pg_proc as p
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    where p.prokind in ('a', 'w')
        and n.nspname = any (%(schemas)s)
        and {not_of_an_extension("pg_proc", "p")}
    union all
    select 'foreign table', c.oid::regclass::text
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind = 'f'
        and n.nspname = any (%(schemas)s)
        and {not_of_an_extension("pg_class", "c")}
    union all
    select 'rule', pg_catalog.format('%%I on %%s', r.rulename, c.oid::regclass)
    from pg_catalog.pg_rewrite as r
    join pg_catalog.pg_class as c on c.oid = r.ev_class
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where r.rulename <> '_RETURN'
        and n.nspname = any (%(schemas)s)
        and {not_of_an_extension("pg_class", "c")}
    union all
    select 'user mapping', pg_catalog.format('for %%I on server %%I', u.usename, u.srvname)
    from pg_catalog.pg_user_mappings as u
    union all
    select
        case t.typtype when 'p' then 'type without a definition' else 'base type' end,
        pg_catalog.format('%%I.%%I', n.nspname, t.typname)
    from pg_catalog.pg_type as t
    join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
    where t.typtype in ('b', 'p')
        and not exists (select from pg_catalog.pg_type as e where e.typarray = t.oid)
        and n.nspname = any (%(schemas)s)
        and {not_of_an_extension("pg_type", "t")}
    union all
    select 'function of a library', p.oid::regprocedure::text
    from pg_catalog.pg_proc as p
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    where p.probin is not null
        and p.prokind = 'f'
        and n.nspname = any (%(schemas)s)
        and {not_of_an_extension("pg_proc", "p")}
    union all
    {" union all ".join(_objects(kind, catalog) for kind, catalog in _KINDS.items())}
    order by 1, 2
"""
