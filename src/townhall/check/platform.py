"""The platform's tables and functions, as far as what is declared for them needs them.

A scratch database has no schema ``storage`` and no ``auth.users``. Where the checked database has
them, empty copies are made before the revisions run, so that a policy or a trigger on such a table,
and a foreign key to it, are made there as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import URL, Connection, NullPool, create_engine

from townhall.check.snapshot import Object, Snapshot
from townhall.migrate.savepoints import attempt, run_script
from townhall.pg import TableGrant, catalog, ddl
from townhall.pg.catalog import PLATFORM_SCHEMAS, Column, Table
from townhall.pg.privileges import privileges_of, texts_of

_KEYS = ("primary key", "unique")


@dataclass(frozen=True)
class Platform:
    """What is copied.

    Attributes:
        schemas: The schemas.
        statements: What creates them with their tables and functions.
    """

    schemas: frozenset[str]
    statements: tuple[str, ...]


def read_platform(connection: Connection) -> Platform:
    """Return what is to be copied of a platform, which is nothing on plain PostgreSQL.

    Args:
        connection: The checked database; it is only read.
    """
    with catalog.empty_search_path(connection):
        schemas = [row["name"] for row in catalog.rows(connection, _SCHEMAS, [*PLATFORM_SCHEMAS])]
        tables = catalog.read_tables(connection, schemas) if schemas else []
        functions = catalog.rows(connection, _FUNCTIONS, schemas) if schemas else []
    return Platform(
        frozenset(schemas),
        (
            *map(ddl.create_schema, schemas),
            *(statement for table in tables for statement in _copy(table)),
            *(row["definition"] for row in functions),
        ),
    )


def copy(platform: Platform, database: URL) -> None:
    """Make the copies in a scratch database; what can't be made there is left out.

    Args:
        platform: What is copied.
        database: The scratch database.
    """
    if not platform.statements:
        return
    with create_engine(database, poolclass=NullPool).begin() as connection:
        run_script(connection, ["set local check_function_bodies = off"])
        if attempt(connection, lambda: run_script(connection, platform.statements)) is None:
            return
        for statement in platform.statements:
            attempt(connection, lambda statement=statement: run_script(connection, [statement]))  # type: ignore[misc] # bound now


def of_platform(
    platform: Platform, declared: Snapshot, actual: Snapshot, version: int
) -> tuple[Snapshot, Snapshot]:
    """Return what is declared for the platform's tables, and the same objects as they are.

    Args:
        platform: What was copied.
        declared: What the revisions make.
        actual: What the database has, of which the platform's own objects are left out.
        version: The server's major version.
    """
    wanted = {
        key: item
        for key, item in declared.items()
        if item.entity is not None and item.entity.schema in platform.schemas
    }
    found = {key: _comparable(wanted[key], actual[key], version) for key in wanted if key in actual}
    return wanted, found


def _comparable(declared: Object, actual: Object, version: int) -> Object:
    # The platform may have granted the same role further privileges.
    if not (isinstance(declared.entity, TableGrant) and isinstance(actual.entity, TableGrant)):
        return actual
    wanted, held = (
        privileges_of(entity.privileges, version) for entity in (declared.entity, actual.entity)
    )
    facts = {**actual.facts, "privileges": texts_of(wanted & held)}
    return replace(actual, facts=declared.facts if wanted <= held else facts)


def _copy(table: Table) -> Iterable[str]:
    name = ddl.qualified(table.schema, table.name)
    columns = ", ".join(ddl.define_column(_plain(each)) for each in table.columns.values())
    yield f"create table {name} ({columns})"
    for each in table.constraints.values():
        if each.kind in _KEYS:
            yield ddl.add_constraint(name, each.name, each.definition)


def _plain(column: Column) -> Column:
    # A type of the platform's own is not copied.
    type_ = "text" if "." in column.type else column.type
    return replace(column, type=type_, default=None, computed=None, identity=(), collation=None)


# A schema such as auth that a revision of townhall created, as its comment says, is none of the
# platform.
_SCHEMAS = """
    select n.nspname as name
    from pg_catalog.pg_namespace as n
    where n.nspname = any (%(schemas)s)
        and n.nspname <> 'information_schema'
        and coalesce(pg_catalog.obj_description(n.oid, 'pg_namespace'), '') not like 'townhall:%%'
    order by 1
"""

_FUNCTIONS = f"""
    select pg_catalog.pg_get_functiondef(p.oid) as definition
    from pg_catalog.pg_proc as p
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    join pg_catalog.pg_language as l on l.oid = p.prolang
    where n.nspname = any (%(schemas)s)
        and p.prokind = 'f'
        and l.lanname in ('sql', 'plpgsql')
        and {catalog.not_of_an_extension("pg_proc", "p")}
    order by p.oid
"""
