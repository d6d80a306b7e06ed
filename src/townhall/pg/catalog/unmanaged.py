"""Objects of the kinds that revisions do not manage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from townhall.pg.catalog.fragments import SIGNATURE, not_of_an_extension, rows
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


def _in_schemas(kind: str, catalog: str, prefix: str, name: str = "name") -> str:
    return f"""
    select
        '{kind}',
        pg_catalog.format('%%I.%%I', n.nspname, o.{prefix}{name})
    from pg_catalog.{catalog} as o
    join pg_catalog.pg_namespace as n on n.oid = o.{prefix}namespace
    where n.nspname = any (%(schemas)s) and {not_of_an_extension(catalog, "o")}
    """


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
    where k.oid >= 16384
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
    select 'foreign server', pg_catalog.quote_ident(s.srvname)
    from pg_catalog.pg_foreign_server as s
    where {not_of_an_extension("pg_foreign_server", "s")}
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
    {_in_schemas("statistics", "pg_statistic_ext", "stx")}
    union all
    {_in_schemas("collation", "pg_collation", "coll")}
    union all
    {_in_schemas("conversion", "pg_conversion", "con")}
    union all
    {_in_schemas("text search configuration", "pg_ts_config", "cfg")}
    union all
    {_in_schemas("text search dictionary", "pg_ts_dict", "dict")}
    union all
    {_in_schemas("operator class", "pg_opclass", "opc")}
    order by 1, 2
"""
