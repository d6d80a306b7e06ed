"""The least that a comparison costs.

PostgreSQL alone can say how it words a definition. So what is declared is executed once, in one
round trip, and the catalogs are read before and after it, by the driver alone. What says how the
tables are is read once.
"""

from __future__ import annotations

from sqlalchemy import Connection

from tests.benchmarks.autogenerate.tools.with_townhall import entities
from tests.benchmarks.autogenerate.workload import Workload

_TABLES = (
    """
    select a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid),
        col_description(a.attrelid, a.attnum)
    from pg_attribute as a
    join pg_class as c on c.oid = a.attrelid
    left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
        and a.attnum > 0 and not a.attisdropped
    """,
    """
    select o.conrelid::regclass, o.conname, pg_get_constraintdef(o.oid)
    from pg_constraint as o
    where o.connamespace = 'public'::regnamespace
    """,
    """
    select x.indrelid::regclass, pg_get_indexdef(x.indexrelid), x.indisvalid
    from pg_index as x
    join pg_class as c on c.oid = x.indrelid
    where c.relnamespace = 'public'::regnamespace
    """,
)
_CATALOGS = (
    """
    select p.oid, pg_get_functiondef(p.oid), p.proacl, obj_description(p.oid, 'pg_proc')
    from pg_proc as p
    where p.pronamespace = 'public'::regnamespace and p.prokind = 'f'
    """,
    """
    select p.polrelid::regclass, p.polname, p.polcmd, p.polroles, p.polpermissive,
        pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid),
        obj_description(p.oid, 'pg_policy')
    from pg_policy as p
    """,
    """
    select t.tgrelid::regclass, pg_get_triggerdef(t.oid), t.tgenabled,
        obj_description(t.oid, 'pg_trigger')
    from pg_trigger as t
    where not t.tgisinternal
    """,
    """
    select c.oid::regclass, pg_get_viewdef(c.oid), c.reloptions, c.relacl,
        obj_description(c.oid, 'pg_class')
    from pg_class as c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('v', 'm')
    """,
    """
    select c.oid::regclass, c.relrowsecurity, c.relforcerowsecurity, c.relacl, c.relreplident,
        array(select a.attacl::text from pg_attribute as a where a.attrelid = c.oid)
    from pg_class as c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
    """,
)


def script(workload: Workload) -> str:
    """Return what creates everything beside the tables."""
    return ";\n".join(sql for each in entities(workload) for sql in each.create_statements())


def compare(connection: Connection, definitions: str) -> None:
    """Read the catalogs, execute the definitions, and read the catalogs again.

    Args:
        connection: A connection; its transaction is to be rolled back.
        definitions: What :func:`script` returned.
    """
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor:
        for statement in (*_TABLES, *_CATALOGS, definitions, *_CATALOGS):
            cursor.execute(statement)
            if cursor.description:
                cursor.fetchall()
