"""Whose revisions a database has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError


@contextmanager
def explaining_unknown_revisions(
    context: MigrationContext, script: ScriptDirectory
) -> Iterator[None]:
    """Say what to do where a database has revisions that a configuration does not have.

    An application's revisions stand for those of townhall that they depend on. So townhall alone
    can't tell where such a database is, nor what in it is the application's, and leaves it alone.

    Args:
        context: The migration context of the database.
        script: The revisions of the configuration.

    Raises:
        CommandError: Alembic refused, and the database has such revisions.
    """
    try:
        yield
    except CommandError as error:
        known = {revision.revision for revision in script.walk_revisions()}
        unknown = sorted(set(context.get_current_heads()) - known)
        if not unknown:
            raise
        raise CommandError(
            f"The database is at {', '.join(unknown)}, which this configuration does not have."
            " Where an application on top of townhall made it, use that application's alembic.ini,"
            " whose version_locations name townhall:alembic/versions too. Where townhall did, this"
            " one is older than that."
        ) from error
