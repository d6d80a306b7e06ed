"""What Alembic calls with the revisions that it is about to write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alembic.operations.ops import MigrationScript
from alembic.runtime.migration import MigrationContext

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
    if any(map(_has_operations, directives)):
        # Most comparisons find nothing, and need neither the trial nor what writes operations.
        from townhall.migrate.trial.trying import try_and_list  # noqa: PLC0415 - see above

        try_and_list(context, directives, is_check=_is_check(context))


def _is_check(context: MigrationContext) -> bool:
    # The function that Alembic passes is the only sign of the command.
    function = context.opts.get("fn")
    return getattr(function, "__qualname__", "").startswith("check.")


def _has_operations(script: MigrationScript) -> bool:
    return any(container.ops for container in script.upgrade_ops_list)
