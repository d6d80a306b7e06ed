"""The step of a run that is on: the revision that it applies or takes back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alembic.runtime.migration import MigrationContext, RevisionStep

_STEP = "townhall_step"


def follow_steps(context: MigrationContext) -> None:
    """Let a run say which step is on.

    Args:
        context: The migration context of the run, before its first step.
    """
    function: Any = context._migrations_fn  # noqa: SLF001 - there is no public way

    def steps(*arguments: Any) -> Iterator[Any]:  # noqa: ANN401 - Alembic's
        for step in function(*arguments):
            context.opts[_STEP] = step
            yield step

    vars(context)["_migrations_fn"] = steps


def applied_revision(context: MigrationContext) -> str | None:
    """Return the revision that is being applied; None where none is.

    Args:
        context: The migration context of a run.
    """
    return _revision(context, is_upgrade=True)


def undone_revision(context: MigrationContext) -> str | None:
    """Return the revision that is being taken back; None where none is.

    Args:
        context: The migration context of a run.
    """
    return _revision(context, is_upgrade=False)


def _revision(context: MigrationContext, *, is_upgrade: bool) -> str | None:
    step = context.opts.get(_STEP)
    if isinstance(step, RevisionStep) and step.is_upgrade is is_upgrade:
        return str(step.revision.revision)
    return None
