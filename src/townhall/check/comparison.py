"""What a check reads of the two databases, and what of it is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import URL, Connection

from townhall.check.connection import reading
from townhall.check.findings import Finding, compare
from townhall.check.history import DeclaredSettings
from townhall.check.shared import Platform, has_no_table, shared
from townhall.check.snapshot import Key, Snapshot, read
from townhall.migrate.origins.kept import read_kept
from townhall.migrate.origins.unfinished import Unfinished, read_unfinished
from townhall.pg import Entity
from townhall.pg.catalog import (
    PLATFORM_SCHEMAS,
    Grantees,
    Unmanaged,
    empty_search_path,
    read_schemas,
    read_unmanaged,
    schema_names,
)


@dataclass(frozen=True)
class Contents:
    """What a database has in some schemas.

    Attributes:
        schemas: The schemas.
        snapshot: The objects of the kinds that revisions manage.
        unmanaged: The others.
        kept: What an adoption has kept, which is left out of the snapshot.
        unfinished: What an interrupted adoption has left that is not valid.
    """

    schemas: Sequence[str]
    snapshot: Snapshot
    unmanaged: Sequence[Unmanaged]
    kept: frozenset[Key] = frozenset()
    unfinished: tuple[Unfinished, ...] = ()


def read_made(scratch: URL, platform: Platform, settings: DeclaredSettings) -> Contents:
    """Return what revisions have made in a scratch database.

    Args:
        scratch: The scratch database.
        platform: What was copied into it.
        settings: What ``env.py`` declares.
    """
    with reading(scratch) as connection:
        schemas = [each for each in schema_names(connection) if each not in platform.schemas]
        return _read(connection, schemas, settings)


def read_found(connection: Connection, made: Contents, settings: DeclaredSettings) -> Contents:
    """Return what the checked database has.

    Args:
        connection: A connection to the database; it is only read.
        made: What revisions make.
        settings: What ``env.py`` declares.
    """
    found = _read(connection, _comparable(connection, made), settings)
    kept = read_kept(connection, settings.helper_schema)
    theirs = {key for key in kept & found.snapshot.keys() if _is_theirs(key, made.snapshot)}
    rest = {
        key: item
        for key, item in found.snapshot.items()
        if key not in theirs and ("table", *(item.on or item.names)) not in theirs
    }
    # What a schema or a table has without a declaration is compared as if theirs were that.
    rest |= {key: made.snapshot[key] for key in theirs & made.snapshot.keys()}
    unfinished = read_unfinished(connection)
    return replace(found, snapshot=rest, kept=kept - made.snapshot.keys(), unfinished=unfinished)


def _is_theirs(key: Key, made: Snapshot) -> bool:
    if key not in made or key[0] == "schema":
        return True
    return key[0] == "replica identity" and made[key].facts["mode"] == "default"


def _read(connection: Connection, schemas: Sequence[str], settings: DeclaredSettings) -> Contents:
    snapshot = read(connection, schemas, settings.roles.names, settings.kinds)
    return Contents(schemas, snapshot, _unmanaged(connection, schemas, settings.kinds))


def _unmanaged(
    connection: Connection, schemas: Sequence[str], kinds: Sequence[type[Entity]]
) -> list[Unmanaged]:
    # An application may have a kind of its own for some.
    managed = {each.kind for each in kinds}
    with empty_search_path(connection):
        found = read_unmanaged(connection, schemas)
    return [each for each in found if each.kind not in managed]


def _comparable(connection: Connection, made: Contents) -> list[str]:
    # Revisions create a schema such as auth where the platform has none; the comment tells which
    # of the two a database has.
    actual = {schema.name: schema.comment for schema in read_schemas(connection, made.schemas)}
    return [
        name
        for name in made.schemas
        if name not in PLATFORM_SCHEMAS
        or name not in actual
        or actual[name] == made.snapshot["schema", name].facts["comment"]
    ]


@dataclass(frozen=True)
class Comparison:
    """How what revisions make is compared with what a database has.

    Attributes:
        platform: What the platform has.
        version: The major version of both servers.
        settings: What ``env.py`` declares.
        schemas: The schemas that are compared.
        has_unknown_revisions: Whether the database has revisions of another history as well.
        by_default: The roles to which the default privileges of the owner of most objects give
            something on what it creates.
    """

    platform: Platform
    version: int
    settings: DeclaredSettings
    schemas: Sequence[str]
    has_unknown_revisions: bool
    by_default: Grantees

    def compared(self, declared: Snapshot, actual: Snapshot) -> tuple[Snapshot, Snapshot]:
        """Return what is compared of two snapshots.

        Args:
            declared: What revisions make.
            actual: What a database has.
        """
        of_platform = shared(
            self.platform, declared, actual, self.version, self.settings.roles.names
        )
        ours, theirs = (
            {**self._own(snapshot), **others}
            for snapshot, others in zip((declared, actual), of_platform, strict=True)
        )
        return ours, theirs

    def findings(self, declared: Snapshot, actual: Snapshot) -> list[Finding]:
        """Return the differences of two snapshots.

        Args:
            declared: What revisions make.
            actual: What a database has.
        """
        return compare(
            *self.compared(declared, actual),
            roles=self.settings.roles,
            has_unknown_revisions=self.has_unknown_revisions,
            by_default=self.by_default,
        )

    def read(self, connection: Connection) -> Snapshot:
        """Return what a database has in the schemas that are compared.

        Args:
            connection: A connection to the database.
        """
        return read(connection, self.schemas, self.settings.roles.names, self.settings.kinds)

    def _own(self, snapshot: Snapshot) -> Snapshot:
        return {
            key: item
            for key, item in snapshot.items()
            if key[1] in self.schemas and not has_no_table(item)
        }
