"""The scratch database of a pull, for renderings of conditions and the trial of the revision.

PostgreSQL runs functions of the pulled database as it creates what uses them, such as an index.
They must not run with the rights of the server's role, and so an ordinary role makes everything but
the schemas and the extensions: these are there before any function of the pulled database is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import URL

from townhall.check.scratch import ordinary_owner, scratch_database
from townhall.check.shared import run_what_works
from townhall.engines import engine_of
from townhall.migrate.compare.schemas import missing_schemas
from townhall.migrate.compare.simulation import Failure
from townhall.pull.declarable import own_extensions
from townhall.pull.roles import existing, named_roles
from townhall.pull.source import Source
from townhall.pull.steps import Step, extension_steps, schema_steps
from townhall.pull.trial import in_order


@dataclass(frozen=True)
class Scratch:
    """A scratch database with what the platform has, and the roles that the source names.

    Attributes:
        database: Its URL as an ordinary role that owns it.
        schemas: The steps that create its schemas, which were run.
        extensions: The steps that create its extensions, which were run in this order.
        refused: The extensions that can't be created.
    """

    database: URL
    schemas: Sequence[Step]
    extensions: Sequence[Step]
    refused: Sequence[Failure[Step]]


@contextmanager
def scratch_of(source: Source, scratch: str | None) -> Iterator[Scratch]:
    """Yield the scratch database for a pull.

    Args:
        source: The database that is pulled.
        scratch: The URL of a server for the scratch database; None for the embedded server.

    Raises:
        CheckError: There is no server for the scratch database.
    """
    with (
        scratch_database(source.version, scratch) as database,
        existing(database, named_roles(source.entities)),
    ):
        run_what_works(database, source.platform.extensions)
        schemas, extensions, refused = _created(source, database)
        with ordinary_owner(database) as owned:
            run_what_works(owned, source.platform.objects)
            yield Scratch(owned, schemas, extensions, refused)


def _created(
    source: Source, database: URL
) -> tuple[Sequence[Step], Sequence[Step], Sequence[Failure[Step]]]:
    extensions = own_extensions(source)
    names = {*source.schemas, *(each.schema for each in extensions)}
    with engine_of(database).begin() as connection:
        missing = [each.name for each in missing_schemas(connection, names)]
        schemas, _ = in_order(connection, schema_steps(missing))
        created, refused = in_order(connection, extension_steps(extensions))
    return schemas, created, refused
