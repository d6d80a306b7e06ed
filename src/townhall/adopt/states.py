"""What is declared and what a database has, for a look at an existing database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from alembic.script import Script
from sqlalchemy import URL, Connection

from townhall.adopt.created_tables import CreatedTable, CreatedTables
from townhall.check.connection import reading
from townhall.check.errors import CheckError
from townhall.check.history import DeclaredSettings, History
from townhall.check.revisions import current_revisions
from townhall.check.scratch import scratch_database
from townhall.check.shared import copy, read_platform
from townhall.check.snapshot import Key, Snapshot, read
from townhall.migrate.contexts import VERSION_TABLE
from townhall.migrate.guard.revision_files import creations_of
from townhall.migrate.origins import Origins
from townhall.migrate.origins.kept import read_kept
from townhall.pg import sql
from townhall.pg.catalog import (
    Body,
    Reader,
    TableName,
    empty_search_path,
    read_bodies,
    read_readers,
    schema_names,
    server_version,
)


@dataclass(frozen=True)
class States:
    """What is declared, and what a database has.

    Attributes:
        declared: What the revisions make at head; of the objects that the database's own revisions
            made, what these made of them.
        actual: What the database has in the same schemas.
        settings: What ``env.py`` declares.
        current: The revisions that the database is at; none before it is taken over.
        made: What the database's own revisions made.
        declared_bodies: The functions that the revisions make.
        bodies: The functions of the database, in every schema.
        readers: What reads columns of the database's tables.
        at_head: What the revisions make at head.
        creations: The tables that pending revisions create.
        renames: The names at head of tables that revisions rename, by those that they began with.
        is_behind: Whether there are pending revisions.
        is_begun: Whether the database has a memory of what was there before.
        kept: What an adoption has kept.
        unknown: The revisions in the version table that the configuration does not have.
    """

    declared: Snapshot
    actual: Snapshot
    settings: DeclaredSettings
    current: frozenset[str]
    made: Snapshot
    declared_bodies: Sequence[Body]
    bodies: Sequence[Body]
    readers: Sequence[Reader]
    at_head: Snapshot = field(default_factory=dict)
    creations: Sequence[CreatedTable] = ()
    renames: Mapping[TableName, TableName] = field(default_factory=dict)
    is_behind: bool = True
    is_begun: bool = False
    kept: frozenset[Key] = frozenset()
    unknown: frozenset[str] = frozenset()


def read_states(database: URL, *, config: Path | None = None, scratch: str | None = None) -> States:
    """Return what is declared and what a database has, which is only read.

    Args:
        database: The database to look at, which may be a hot standby.
        config: The ``alembic.ini`` of an application on top of townhall; None for townhall alone.
        scratch: The URL of a database on a server of the same major version, as a role that may
            create databases there; None for the embedded server.

    Raises:
        CheckError: The database can't be read, there is no server for the scratch database, or two
            revisions create a table.
        OperationalError: The database or the scratch server can't be connected to.
    """
    history = History(config)
    with reading(database) as connection:
        version = server_version(connection)
        stamped = current_revisions(connection) or set()
        current = stamped & history.known()
        platform = read_platform(connection)
    with scratch_database(version, scratch) as other:
        copy(platform, other)
        with reading(other) as connection:
            created = CreatedTables(connection, platform.schemas)
        made = _made_by(history, other, current, platform.schemas, created) if current else {}
        _refuse_two_creations(made, history.after(current))
        declared = _made_by(history, other, history.heads, platform.schemas, created)
        with reading(other) as connection:
            declared_bodies = _bodies(connection)
            tables = created.at_head(connection)
    settings = history.settings
    schemas = sorted({key[1] for key in declared if key[0] == "schema"})
    with reading(database) as connection:
        actual = _read(connection, schemas, settings)
        bodies = _bodies(connection)
        with empty_search_path(connection):
            readers = read_readers(connection, schemas)
        memory = Origins(settings.helper_schema, settings.roles.names)
        is_begun = memory.exists(connection)
        kept = read_kept(connection, settings.helper_schema)
    # Pending revisions change what earlier ones made.
    of_made = {key[1:3] for key in made if key[0] == "table"}
    pending = {key: item for key, item in declared.items() if (item.on or key[1:3]) not in of_made}
    revisions = {each.revision for each in history.after(current)}
    return States(
        {**pending, **made},
        actual,
        settings,
        frozenset(current),
        made,
        declared_bodies,
        bodies,
        readers,
        declared,
        [each for each in tables if each.revision in revisions],
        {
            former: each.name
            for each in tables
            for former in [(each.table.schema, each.table.name)]
            if each.name is not None and each.name != former
        },
        current != history.heads,
        is_begun,
        kept,
        frozenset(stamped - current),
    )


def _refuse_two_creations(made: Snapshot, pending: Iterable[Script]) -> None:
    for creation in creations_of([*pending]):
        if ("table", *creation.table) in made:
            raise CheckError(
                f"{sql.qualified(*creation.table)} is created by a revision that the database is"
                f" at, and by {creation.revision.revision}, which is pending, so that no new"
                " database can be made by these revisions: take the table out of the first one."
                " Then this database can be adopted with the table that it has."
            )


def _made_by(
    history: History,
    scratch: URL,
    revisions: set[str],
    platform: Iterable[str],
    created: CreatedTables,
) -> Snapshot:
    history.run(scratch, revisions, created.after)
    settings = history.settings
    with reading(scratch) as connection:
        schemas = [name for name in schema_names(connection) if name not in {*platform}]
        return _read(connection, schemas, settings)


def _read(connection: Connection, schemas: Sequence[str], settings: DeclaredSettings) -> Snapshot:
    found = read(connection, schemas, settings.roles.names, settings.kinds)
    return {key: item for key, item in found.items() if key[1:3] != ("public", VERSION_TABLE)}


def _bodies(connection: Connection) -> list[Body]:
    with empty_search_path(connection):
        return read_bodies(connection)
