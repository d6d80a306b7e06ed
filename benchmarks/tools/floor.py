"""The least that a comparison costs.

PostgreSQL alone can say how it words a definition. So what is declared is executed once, in one
round trip, and the catalogs are read before and after it, by the driver alone.
"""

from __future__ import annotations

from sqlalchemy import Connection

from benchmarks.tools.with_townhall import entities
from benchmarks.workload import Workload

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
    assert driver is not None  # noqa: S101 - the connection is open
    with driver.cursor() as cursor:
        for statement in (*_CATALOGS, definitions, *_CATALOGS):
            cursor.execute(statement)
            if cursor.description:
                cursor.fetchall()
