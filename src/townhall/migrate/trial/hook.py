"""What Alembic calls with the revisions that it is about to write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from alembic.operations.ops import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError

from townhall.migrate.guard.lock_timeouts import COMPARISON
from townhall.migrate.guard.locks import with_retries
from townhall.migrate.settings import LIVE_OPTION, LOCK_TIMEOUT_OPTION, SETTINGS, Settings
from townhall.migrate.trial.verification import try_revisions
from townhall.migrate.write.listing import refuse_differences
from townhall.migrate.write.live import for_tables_in_use
from townhall.migrate.write.repeatable import make_repeatable
from townhall.migrate.write.revision import finish_revision

ProcessDirectives = Callable[[MigrationContext, Any, list[MigrationScript]], None]
"""``process_revision_directives`` of Alembic's ``context.configure``."""


def before_trial(process: ProcessDirectives | None) -> ProcessDirectives:
    """Return :func:`finish_and_try` behind what an application does with its revisions.

    Args:
        process: What the application passed for it, if anything.
    """
    if process is None:
        return finish_and_try

    def process_and_try(
        context: MigrationContext,
        revision: Any,  # noqa: ANN401 - Alembic's
        directives: list[MigrationScript],
    ) -> None:
        given = [*directives]
        process(context, revision, directives)
        if not directives and _is_check(context):
            directives[:] = given  # the check looks at the last one
        finish_and_try(context, revision, directives)

    return process_and_try


def finish_and_try(
    context: MigrationContext, revision: object, directives: list[MigrationScript]
) -> None:
    """Finish revisions that were generated, and run them as they are going to be written.

    Alembic calls this (``process_revision_directives``) after the hooks of the application.

    Raises:
        CommandError: A revision would not run or not come back, so that none is written; or
            ``alembic check`` found differences, which the message lists.
    """
    finish_revision(context, revision, directives)
    settings: Settings = context.opts[SETTINGS]
    connection = context.connection
    if connection is None or not any(map(_has_operations, directives)):
        return

    def try_them(revisions: Sequence[MigrationScript]) -> None:
        with_retries(
            connection,
            context.opts.get(LOCK_TIMEOUT_OPTION, COMPARISON),
            lambda: try_revisions(context, revisions, settings.scope.schemas),
        )

    live = _for_tables_in_use(context, directives)
    for script in dict.fromkeys([*live, *directives]):
        make_repeatable(context, script)
    try:
        try_them(live)
    except CommandError:
        if live == directives:
            raise
        # An operation needs another one earlier than that can be made without long locks.
        try_them(directives)
    else:
        directives[:] = live
    if _is_check(context):
        refuse_differences(context, directives)


def _for_tables_in_use(
    context: MigrationContext, scripts: Sequence[MigrationScript]
) -> list[MigrationScript]:
    if not context.opts.get(LIVE_OPTION, False):
        return list(scripts)
    return [part for script in scripts for part in for_tables_in_use(context, script)]


def _is_check(context: MigrationContext) -> bool:
    # The function that Alembic passes is the only sign of the command.
    function = context.opts.get("fn")
    return getattr(function, "__qualname__", "").startswith("check.")


def _has_operations(script: MigrationScript) -> bool:
    return any(container.ops for container in script.upgrade_ops_list)
