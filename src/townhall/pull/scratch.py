"""The scratch database of a pull, for renderings of conditions and the trial of the revision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL

from townhall.check.scratch import scratch_database
from townhall.check.shared import copy
from townhall.pull.roles import existing, named_roles
from townhall.pull.source import Source


@contextmanager
def scratch_of(source: Source, scratch: str | None) -> Iterator[URL]:
    """Yield a database with what the platform has, and with the roles that the source names.

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
        copy(source.platform, database)
        yield database
