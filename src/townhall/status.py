"""The state of a database: its server, its revision, and how many objects it has."""

from __future__ import annotations

from pathlib import Path

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from townhall import embedded
from townhall.check.history import History

# The schemas are `public`, `private` and those that a revision of ours created, which says so in
# the comment. Objects of extensions do not count.
_COUNT_OBJECTS = text("""
with of_extensions as (
    select classid, objid
    from pg_catalog.pg_depend
    where deptype = 'e'
),
schemas as (
    select oid
    from pg_catalog.pg_namespace
    where
        nspname in ('public', 'private')
        or pg_catalog.obj_description(oid, 'pg_namespace') like 'townhall:%'
),
relations as (
    select oid, relkind
    from pg_catalog.pg_class
    where
        relnamespace in (select oid from schemas)
        and relname <> 'alembic_version'
        and ('pg_catalog.pg_class'::regclass, oid) not in (select classid, objid from of_extensions)
),
functions as (
    select oid
    from pg_catalog.pg_proc
    where
        pronamespace in (select oid from schemas)
        and ('pg_catalog.pg_proc'::regclass, oid) not in (select classid, objid from of_extensions)
)
select
    (select count(*) from relations where relkind in ('r', 'p')) as "tables",
    (
        select count(*) from pg_catalog.pg_policy where polrelid in (select oid from relations)
    ) as "policies",
    (
        select count(*)
        from pg_catalog.pg_trigger
        where tgrelid in (select oid from relations) and not tgisinternal
    ) as "triggers",
    (select count(*) from functions) as "functions",
    (select count(*) from relations where relkind = 'v') as "views",
    (select count(*) from relations where relkind = 'm') as "materialized views"
""")


def describe_server(connection: Connection) -> str:
    """Return the version of the server, and the data folder of an embedded one."""
    version = connection.scalar(text("select current_setting('server_version')"))
    places = [f", embedded, data in {server.data_directory}" for server in embedded.joined()]
    return f"PostgreSQL {version}{''.join(places)}"


def describe_revision(connection: Connection, ini: Path | None) -> str:
    """Return the revision of the database, and whether it is at head.

    Args:
        connection: The database.
        ini: The ``alembic.ini`` of an application; None for townhall's own revisions.

    Raises:
        CommandError: The configuration names no folder of revisions.
    """
    current = set(MigrationContext.configure(connection).get_current_heads())
    name = ", ".join(sorted(current)) or "none"
    history = History(ini)
    if current - history.known():
        return f"{name}; made by an application, whose alembic.ini is not in this folder"
    # An application's revision may depend on those of townhall, and then stands for them.
    at_head = current and not history.after(current)
    return f"{name} (head)" if at_head else f"{name}; alembic upgrade heads is to be run"


def describe_objects(connection: Connection) -> str:
    """Return how many tables, policies, triggers, functions and views the database has."""
    counts = connection.execute(_COUNT_OBJECTS).mappings().one()
    return ", ".join(_count(number, kind) for kind, number in counts.items())


def _count(number: int, kind: str) -> str:
    """Return a count such as ``3 policies`` or ``1 policy``."""
    if number != 1:
        return f"{number} {kind}"
    return f"1 {kind[:-3]}y" if kind.endswith("ies") else f"1 {kind[:-1]}"
