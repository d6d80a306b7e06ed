"""What a database has, read once, in a form that is written as Python."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from alembic.util import CommandError
from sqlalchemy import Connection, text

from townhall.check.shared import Platform, read_platform
from townhall.migrate.compare.view_cycles import reading_themselves
from townhall.migrate.contexts import VERSION_TABLE
from townhall.migrate.origins import Origins
from townhall.pg import Entity, View, catalog, sql
from townhall.pg.catalog import PLATFORM_SCHEMAS, Table, TableName
from townhall.pg.state import Key, State, read_state
from townhall.pg.table_definition import TableDefinition, read_table_definitions
from townhall.pull.rows import read_rows
from townhall.roles import HELPER_SCHEMA, SUPABASE, Roles

_ALWAYS_COMPARED = ("public", HELPER_SCHEMA)


@dataclass(frozen=True)
class Source:
    """A database as its catalogs describe it.

    Attributes:
        name: The name of the database.
        version: The server's major version.
        schemas: The schemas that are pulled.
        definitions: Their tables, by schema and name.
        partitions: The partitions, and other tables that are not declared.
        entities: The entities, also those of the platform's tables.
        circular: Views that are created by way of placeholders, since they would read themselves.
        platform_tables: The tables of the platform.
        platform: What is copied of the platform to try what is written.
        roles: The roles of the server.
        unmanaged: The objects of kinds that can't be declared.
        undeclarable: What the database and its objects have that can't be declared: the kind, and
            the name.
        rows: What is kept as rows and is not pulled: the kind, and the name.
        has_caller: Whether there is a function ``auth.uid()``.
    """

    name: str
    version: int
    schemas: tuple[str, ...]
    definitions: Mapping[TableName, TableDefinition]
    partitions: frozenset[TableName]
    entities: Sequence[Entity]
    circular: Mapping[Key, View]
    platform_tables: Mapping[TableName, Table]
    platform: Platform
    roles: frozenset[str]
    unmanaged: Sequence[catalog.Unmanaged]
    undeclarable: Sequence[tuple[str, str]]
    rows: Sequence[tuple[str, str]]
    has_caller: bool

    @property
    def tables(self) -> dict[TableName, Table]:
        """The tables that are declared, by schema and name."""
        return {name: each.table for name, each in self.definitions.items()}

    @property
    def is_platform(self) -> bool:
        """Whether the server is set up as one of Supabase."""
        return "authenticator" in self.roles


def _in_order(entities: Iterable[Entity]) -> list[Entity]:
    # The catalogs have those of one kind in an order that changes.
    found = list(entities)
    kinds = list(dict.fromkeys(map(type, found)))
    return sorted(found, key=lambda each: (kinds.index(type(each)), each.key))


def roles_of(source: Source) -> Roles:
    """Return the roles that requests act as: those of Supabase that the server has.

    Args:
        source: The database.
    """
    roles = Roles(
        anonymous=_existing(SUPABASE.anonymous, source),
        user=_existing(SUPABASE.user, source),
        service=_existing(SUPABASE.service, source),
    )
    if source.has_caller:
        return roles
    return replace(roles, caller="current_user::text", caller_type=str)


def _existing(role: str | None, source: Source) -> str | None:
    return role if role in source.roles else None


def read_source(connection: Connection, schemas: Sequence[str]) -> Source:
    """Read a database.

    Args:
        connection: A connection within a transaction that reads only.
        schemas: The schemas to read; none for all but the platform's.

    Raises:
        CommandError: A schema does not exist, or is the platform's, or a table refers to one whose
            schema is not among them.
    """
    names = _chosen(connection, schemas)
    state = read_state(connection, names)
    definitions = read_table_definitions(connection, names)
    own = {
        name: definitions[name].without_owner()
        for name in sorted(definitions)
        if name[1] not in {VERSION_TABLE, Origins.TABLE}
        and definitions[name].table.kind != "foreign table"
        and definitions[name].details.bound is None
    }
    left_out = {*catalog.schema_names(connection)} - {*names, *PLATFORM_SCHEMAS}
    _refuse_references(left_out, schemas, own.values())
    with catalog.empty_search_path(connection):
        platform = catalog.read_tables(connection, sorted(PLATFORM_SCHEMAS))
        unmanaged = catalog.read_unmanaged(connection, names)
        undeclarable = catalog.read_undeclarable(connection, names)
    return Source(
        name=str(connection.exec_driver_sql("select current_database()").scalar_one()),
        version=catalog.server_version(connection),
        schemas=tuple(names),
        definitions=own,
        partitions=frozenset(definitions.keys() - own.keys()),
        entities=_in_order(state.values()),
        circular=_circular(connection, state),
        platform_tables={(each.schema, each.name): each for each in platform},
        platform=read_platform(connection, with_stand_in=True),
        roles=frozenset(connection.exec_driver_sql("select rolname from pg_roles").scalars()),
        unmanaged=unmanaged,
        undeclarable=undeclarable,
        rows=read_rows(connection, own),
        has_caller=connection.exec_driver_sql(
            "select to_regproc('auth.uid') is not null"
        ).scalar_one(),
    )


def _circular(connection: Connection, state: State) -> Mapping[Key, View]:
    views = {each.literal_name: each for each in state.values() if isinstance(each, View)}
    names = reading_themselves(connection, [*views])
    return {view.key: view for view in map(views.__getitem__, names)}


def _chosen(connection: Connection, schemas: Sequence[str]) -> list[str]:
    existing = catalog.schema_names(connection)
    memory = connection.scalars(text(_OF_MEMORY), {"memory": Origins.TABLE}).all()
    own = [name for name in existing if name not in {*PLATFORM_SCHEMAS, *memory}]
    if of_platform := sorted({*schemas} & PLATFORM_SCHEMAS):
        raise CommandError(
            f"the schema {of_platform[0]} is the platform's: its tables are left to it, and the"
            " policies, triggers and grants on them are pulled with any other schema. Leave it out."
        )
    if missing := sorted({*schemas} - {*own}):
        raise CommandError(
            f"there is no schema {missing[0]} in the database. Its schemas are {', '.join(own)}."
        )
    chosen = {*schemas, *_ALWAYS_COMPARED} if schemas else {*own}
    return [name for name in own if name in chosen]


def _refuse_references(
    left_out: Collection[str], schemas: Sequence[str], definitions: Iterable[TableDefinition]
) -> None:
    # A table that foreign keys refer to has to be there before them.
    for each in definitions:
        for referred in each.references.values():
            schema = sql.unquote(re.findall(sql.IDENTIFIER, referred)[0])
            if schema in left_out:
                every = " ".join(f"--schema {shlex.quote(name)}" for name in [*schemas, schema])
                raise CommandError(
                    f"{each.name} refers to {referred}, whose schema was left out. Pull it as well:"
                    f" {every}"
                )


_OF_MEMORY = """
    select n.nspname
    from pg_catalog.pg_namespace as n
    where pg_catalog.obj_description(n.oid, 'pg_namespace') like 'townhall:%'
        and not exists (
            select
            from pg_catalog.pg_depend as d
            left join pg_catalog.pg_class as c
                on d.classid = 'pg_catalog.pg_class'::regclass and c.oid = d.objid
            where d.refclassid = 'pg_catalog.pg_namespace'::regclass
                and d.refobjid = n.oid
                and c.relname is distinct from :memory
        )
"""
"""The schema of helpers where it has nothing but the memory of an upgrade or a stamp."""
