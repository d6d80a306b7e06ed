"""Properties of a database and of its objects that nothing declares."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from townhall.pg.catalog.fragments import (
    IDENTIFIED,
    is_of_column,
    not_of_an_extension,
    rows,
)
from townhall.pg.catalog.schemas import PLATFORM_SCHEMAS


def read_undeclarable(connection: Connection, schemas: Sequence[str]) -> list[tuple[str, str]]:
    """Return the kind and the name of properties of a database that nothing declares.

    Of settings only the names are told: a value may be a secret.

    Args:
        connection: A connection within a transaction, whose ``search_path`` is empty.
        schemas: The schemas whose objects are looked at.
    """
    found = rows(connection, _PROPERTIES, schemas)
    of_platform = sorted(PLATFORM_SCHEMAS - _OF_TOOLS)
    return [
        (row["kind"], row["name"]) for row in [*found, *rows(connection, _OF_PLATFORM, of_platform)]
    ]


_OF_TOOLS = {"information_schema", "supabase_migrations"}

_PROPERTIES = f"""
    with relations as (
        select c.*
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = any (%(schemas)s) and {not_of_an_extension("pg_class", "c")}
    ),
    settings as (
        select s.setrole, pg_catalog.split_part(setting, '=', 1) as name
        from pg_catalog.pg_db_role_setting as s
        join pg_catalog.pg_database as d on d.oid = s.setdatabase
        cross join pg_catalog.unnest(s.setconfig) as setting
        where d.datname = pg_catalog.current_database()
    )
    select 'setting of the database' as kind, s.name
    from settings as s
    where s.setrole = 0
    union all
    select
        'setting of a role in the database',
        pg_catalog.format('%%s of %%s', s.name, s.setrole::regrole)
    from settings as s
    where s.setrole <> 0
    union all
    select 'comment on the database', pg_catalog.quote_ident(d.datname)
    from pg_catalog.pg_database as d
    where d.datname = pg_catalog.current_database()
        -- The database of that name has this one from the start.
        and pg_catalog.shobj_description(d.oid, 'pg_database')
            <> 'default administrative connection database'
    union all
    select 'large objects of the database', pg_catalog.quote_ident(pg_catalog.current_database())
    where exists (select from pg_catalog.pg_largeobject_metadata)
    union all
    select 'privileges on a language', pg_catalog.quote_ident(l.lanname)
    from pg_catalog.pg_language as l
    where l.lanacl is not null and l.oid not in (
        select p.objoid
        from pg_catalog.pg_init_privs as p
        where p.classoid = 'pg_catalog.pg_language'::regclass and p.initprivs = l.lanacl
    )
    union all
    select 'type of a table', pg_catalog.format('%%s of %%s', c.oid::regclass, c.reloftype::regtype)
    from relations as c
    where c.reloftype <> 0
    union all
    select 'tablespace', pg_catalog.format('%%s in %%I', c.oid::regclass, t.spcname)
    from relations as c
    join pg_catalog.pg_tablespace as t on t.oid = c.reltablespace
    union all
    select 'access method of a table', pg_catalog.format('%%I of %%s', a.amname, c.oid::regclass)
    from relations as c
    join pg_catalog.pg_am as a on a.oid = c.relam
    where c.relkind in ('r', 'p', 'm') and a.amname <> 'heap'
    union all
    select 'unlogged sequence', c.oid::regclass::text
    from relations as c
    where c.relkind = 'S'
        and c.relpersistence = 'u'
        and {is_of_column("c")}
        and not exists (
            select
            from pg_catalog.pg_depend as d
            join relations as o on o.oid = d.refobjid and o.relpersistence = 'u'
            where d.classid = 'pg_catalog.pg_class'::regclass
                and d.objid = c.oid
                and d.refclassid = 'pg_catalog.pg_class'::regclass
        )
    union all
    select
        'dependency on an extension',
        pg_catalog.format('%%s %%s on %%I', i.type, i.identity, e.extname)
    from pg_catalog.pg_depend as d
    join pg_catalog.pg_extension as e
        on d.refclassid = 'pg_catalog.pg_extension'::regclass and e.oid = d.refobjid
    cross join lateral pg_catalog.pg_identify_object(d.classid, d.objid, d.objsubid) as i
    where d.deptype = 'x' and {IDENTIFIED}
"""

_OF_PLATFORM = f"""
    with owners as (
        select current_user::regrole as role
        union
        select c.relowner
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where n.nspname <> all (%(schemas)s)
            and n.nspname !~ '^pg_'
            and n.nspname <> 'information_schema'
            and c.relkind in ('r', 'p', 'v', 'm')
            and pg_catalog.pg_get_userbyid(c.relowner) !~ '^supabase_.*admin$'
            and {not_of_an_extension("pg_class", "c")}
    ),
    objects as (
        select 'pg_catalog.pg_class'::regclass as catalog, c.oid
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = any (%(schemas)s)
            and c.relkind in ('r', 'p', 'v', 'm', 'f')
            and not c.relispartition
            and c.relowner in (select o.role from owners as o)
            and {not_of_an_extension("pg_class", "c")}
        union all
        select 'pg_catalog.pg_proc'::regclass, p.oid
        from pg_catalog.pg_proc as p
        join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
        where n.nspname = any (%(schemas)s)
            and p.proowner in (select o.role from owners as o)
            and {not_of_an_extension("pg_proc", "p")}
        union all
        select 'pg_catalog.pg_type'::regclass, t.oid
        from pg_catalog.pg_type as t
        join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
        where n.nspname = any (%(schemas)s)
            and t.typtype in ('d', 'e', 'r')
            and t.typowner in (select o.role from owners as o)
            and {not_of_an_extension("pg_type", "t")}
    )
    select
        'object in a schema of the platform' as kind,
        pg_catalog.format('%%s %%s', i.type, i.identity) as name
    from objects as o
    cross join lateral pg_catalog.pg_identify_object(o.catalog, o.oid, 0) as i
"""
"""Those of the role that reads, and of the owners of what is in other schemas."""
