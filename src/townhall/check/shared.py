"""What an application shares with the platform: its tables, extensions and default privileges.

Of these only what is declared is compared. A scratch database has no schema ``storage``, no
``auth.users`` and no publication. Where the checked database has them, empty copies are made before
the revisions run, so that what they make for these, such as a policy, is made there as well. Code
of the checked database would run there with the rights of the role that runs the revisions, often a
superuser's: the copies of functions have none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import URL, Connection

from townhall.check.snapshot import Object, Snapshot, usual_owner
from townhall.engines import engine_of
from townhall.migrate.savepoints import attempt, run_script
from townhall.pg import PUBLIC, DefaultPrivileges, Function, TableGrant, catalog, ddl, sql
from townhall.pg.arguments import arguments_of
from townhall.pg.catalog import PLATFORM_SCHEMAS, Column, Table
from townhall.pg.extension import PREINSTALLED
from townhall.pg.fields import comparable
from townhall.pg.privileges import privileges_of, texts_of

_KEYS = ("primary key", "unique")


@dataclass(frozen=True)
class Platform:
    """What is copied.

    Attributes:
        schemas: The schemas.
        extensions: What creates them with their extensions.
        objects: What creates their tables and functions, and the publications.
    """

    schemas: frozenset[str]
    extensions: tuple[str, ...]
    objects: tuple[str, ...]

    @property
    def statements(self) -> tuple[str, ...]:
        """What creates all of it."""
        return (*self.extensions, *self.objects)


def read_platform(connection: Connection, *, with_stand_in: bool = False) -> Platform:
    """Return what is to be copied of a platform, which is nearly nothing on plain PostgreSQL.

    Args:
        connection: The checked database; it is only read.
        with_stand_in: Whether the schema ``auth`` is copied as well that a revision of townhall
            made on plain PostgreSQL.
    """
    with catalog.empty_search_path(connection):
        found = catalog.read_schemas(connection, sorted(PLATFORM_SCHEMAS - {"information_schema"}))
        schemas = sorted(each.name for each in found if with_stand_in or each.is_of_platform)
        tables = catalog.read_tables(connection, schemas) if schemas else []
        functions = Function.read(connection, schemas) if schemas else []
        publications = catalog.rows(connection, _PUBLICATIONS, [])
        extensions = catalog.rows(connection, _EXTENSIONS, schemas)
    return Platform(
        frozenset(schemas),
        (
            *map(ddl.create_schema, schemas),
            *(
                f"create extension if not exists {sql.quote(row['name'])}"
                f" schema {sql.quote(row['schema'])}"
                for row in extensions
            ),
        ),
        (
            *(statement for table in tables for statement in _copy(table)),
            *(_without_body(each) for each in functions if each.language in {"sql", "plpgsql"}),
            *(f"create publication {sql.quote(row['name'])}" for row in publications),
        ),
    )


def copy(platform: Platform, database: URL) -> None:
    """Make the copies in a scratch database; what can't be made there is left out.

    Args:
        platform: What is copied.
        database: The scratch database.
    """
    run_what_works(database, platform.statements)


def run_what_works(database: URL, statements: Sequence[str]) -> None:
    """Run statements in a scratch database, and leave out what PostgreSQL refuses.

    Args:
        database: The scratch database.
        statements: The statements.
    """
    if not statements:
        return
    with engine_of(database).begin() as connection:
        run_script(connection, ["set local check_function_bodies = off"])
        if attempt(connection, lambda: run_script(connection, statements)) is None:
            return
        for statement in statements:
            attempt(connection, lambda statement=statement: run_script(connection, [statement]))  # type: ignore[misc] # bound now


def shared(
    platform: Platform, declared: Snapshot, actual: Snapshot, version: int, api_roles: Sequence[str]
) -> tuple[Snapshot, Snapshot]:
    """Return what is declared of what the platform has as well, and the same objects as they are.

    Args:
        platform: What was copied.
        declared: What the revisions make.
        actual: What the database has, of which the platform's own objects are left out.
        version: The server's major version.
        api_roles: The roles that requests act as, whose privileges are exact.
    """
    owner = usual_owner(actual)
    wanted = {
        key: item
        for key, item in declared.items()
        if has_no_table(item) or (item.entity and item.entity.schema in platform.schemas)
    }
    found = {}
    for key, item in wanted.items():
        # The role that migrates, not the one that checks, owns nearly everything.
        existing = actual.get(key) or actual.get((*key, str(owner)))
        if existing is not None:
            found[key] = _comparable(item, existing, version, api_roles)
    return wanted, found


def has_no_table(item: Object) -> bool:
    """Tell whether an object is shared with the platform, and is not for one of its tables."""
    return item.entity is not None and item.entity.is_shared and item.on is None


def _comparable(declared: Object, actual: Object, version: int, api_roles: Sequence[str]) -> Object:
    wanted, existing = declared.entity, actual.entity
    if isinstance(wanted, TableGrant) and isinstance(existing, TableGrant):
        # The platform may have granted the same role further privileges.
        granted, held = (privileges_of(each.privileges, version) for each in (wanted, existing))
        facts = {**actual.facts, "privileges": texts_of(granted & held)}
        return replace(actual, facts=declared.facts if granted <= held else facts)
    if isinstance(wanted, DefaultPrivileges) and isinstance(existing, DefaultPrivileges):
        managed = {PUBLIC, *api_roles, *wanted.grants}
        grants = {role: held for role, held in existing.grants.items() if role in managed}
        return replace(actual, facts={"privileges": comparable(grants)})
    return actual


def _copy(table: Table) -> Iterable[str]:
    name = sql.qualified(table.schema, table.name)
    columns = ", ".join(ddl.define_column(_plain(each)) for each in table.columns.values())
    yield f"create table {name} ({columns})"
    for each in table.constraints.values():
        if each.kind in _KEYS:
            yield ddl.add_constraint(name, each.name, each.definition)


def _without_body(function: Function) -> str:
    """Return a function of the same arguments and result, which returns null or no row."""
    arguments = arguments_of(function.arguments)
    inert = [each if each.default is None else each._replace(default="null") for each in arguments]
    returns_nothing = (
        function.returns_set
        or function.returns == "void"
        or any(each.mode in {"out", "inout"} for each in arguments)
    )
    value = "" if returns_nothing else "new" if function.returns == "trigger" else "null"
    return (
        f"create or replace function {function.literal_name}({', '.join(map(str, inert))})"
        f" returns {function.returns} language plpgsql {function.volatility}"
        f" as 'begin return {value}; end'"
    )


def _plain(column: Column) -> Column:
    # A type of the platform's own is not copied.
    type_ = "text" if "." in column.type else column.type
    return column._replace(type=type_, default=None, computed=None, identity=(), collation=None)


_PUBLICATIONS = "select p.pubname as name from pg_catalog.pg_publication as p order by 1"

_EXTENSIONS = f"""
    select e.extname as name, n.nspname as schema
    from pg_catalog.pg_extension as e
    join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
    where n.nspname = any (%(schemas)s)
        and e.extname in ({", ".join(map(sql.literal, sorted(PREINSTALLED)))})
        and pg_catalog.to_regrole('authenticator') is not null
    order by e.oid
"""
"""Those that every project of Supabase has: they are used, and declared nowhere."""
