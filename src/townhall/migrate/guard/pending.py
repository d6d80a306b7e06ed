"""The steps that a run is going to take, and their revisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from alembic.runtime.migration import MigrationContext, MigrationStep, RevisionStep, StampStep
from alembic.script import Script, ScriptDirectory

_MOVING = frozenset({"upgrade", "downgrade", "do_stamp"})
"""The functions of Alembic's commands that list steps and do nothing else."""

ADOPTS = "townhall_adopts"
"""The option of a migration context that says whether tables of others are adopted."""


def planned_steps(context: MigrationContext) -> list[MigrationStep]:
    """Return the steps of a run, before any of them; none where its command moves no revision.

    Args:
        context: The migration context of the run.

    Raises:
        CommandError: Alembic does not have a revision that the database is at, or the target.
    """
    function: Any = context.opts.get("fn")
    if not context.opts.get(ADOPTS) and not is_move(context):
        return []
    heads = () if context.opts.get("purge") else context.get_current_heads()
    return list(function(heads, context))


def is_move(context: MigrationContext) -> bool:
    """Tell whether a run moves revisions by a command of Alembic, and not by an adoption.

    Args:
        context: The migration context of the run.
    """
    return _command(context) in _MOVING


def is_downgrade(context: MigrationContext) -> bool:
    """Tell whether a run is a downgrade.

    Args:
        context: The migration context of the run.
    """
    return _command(context) == "downgrade"


def _command(context: MigrationContext) -> str:
    function: Any = context.opts.get("fn")
    is_of_alembic = getattr(function, "__module__", "") == "alembic.command"
    return function.__name__ if is_of_alembic else ""


def pending_revisions(steps: Iterable[MigrationStep]) -> list[Script]:
    """Return the revisions that a run is going to apply, in their order.

    Args:
        steps: The steps of the run.
    """
    return [step.revision for step in steps if isinstance(step, RevisionStep) and step.is_upgrade]


def applied_revisions(context: MigrationContext, script: ScriptDirectory) -> list[Script]:
    """Return the revisions that the database has, in their order.

    Args:
        context: The migration context of the run, before its first step.
        script: The revisions of the configuration.
    """
    return list(_history(script, context.get_current_heads()).values())


def stamped_revisions(
    context: MigrationContext, script: ScriptDirectory, steps: Iterable[MigrationStep]
) -> tuple[list[Script], list[Script]]:
    """Return the revisions that a stamp puts into the history, and those that it takes out of it.

    Args:
        context: The migration context of the run, before its first step.
        script: The revisions of the configuration.
        steps: The steps of the run.
    """
    stamps = [step for step in steps if isinstance(step, StampStep)]
    if not stamps:
        return [], []
    before = _history(script, context.get_current_heads())
    after = {} if context.opts.get("purge") else dict(before)
    for step in stamps:
        after = {
            **{
                name: each
                for name, each in after.items()
                if name not in _history(script, step.from_)
            },
            **_history(script, step.to_),
        }
    return (
        [each for name, each in after.items() if name not in before],
        [each for name, each in before.items() if name not in after],
    )


def _history(script: ScriptDirectory, revisions: Sequence[str]) -> dict[str, Script]:
    if not revisions:
        return {}
    upwards = reversed(list(script.iterate_revisions(tuple(revisions), "base")))
    return {each.revision: each for each in upwards}
