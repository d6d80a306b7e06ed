"""What Alembic calls with the revisions that it is about to write."""

from __future__ import annotations

from alembic.operations.ops import MigrationScript
from alembic.runtime.migration import MigrationContext

from townhall.migrate.guard.locks import COMPARISON_LOCK_TIMEOUT, with_retries
from townhall.migrate.settings import LOCK_TIMEOUT_OPTION, SETTINGS, Settings
from townhall.migrate.trial.verification import try_revisions
from townhall.migrate.write.revision import finish_revision


def finish_and_try(
    context: MigrationContext, revision: object, directives: list[MigrationScript]
) -> None:
    """Finish revisions that were generated, and run them as they are going to be written.

    Alembic calls this (``process_revision_directives``) after the hooks of the application.

    Raises:
        CommandError: A revision would not run or not come back, so that none is written.
    """
    finish_revision(context, revision, directives)
    settings: Settings = context.opts[SETTINGS]
    connection = context.connection
    if connection is None or not any(map(_has_operations, directives)):
        return
    with_retries(
        connection,
        context.opts.get(LOCK_TIMEOUT_OPTION, COMPARISON_LOCK_TIMEOUT),
        lambda: try_revisions(context, directives, settings.scope.schemas),
    )


def _has_operations(script: MigrationScript) -> bool:
    return any(container.ops for container in script.upgrade_ops_list)
