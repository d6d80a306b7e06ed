"""What an adoption drops in the transaction in which a revision makes what takes its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alembic.runtime.migration import MigrationContext

from townhall.migrate.origins import applied_revision

REPLACED_OPTION = "townhall_replaced"
"""The option of a migration context with the statements that drop it, by revision."""


def take_drops(context: MigrationContext) -> list[str]:
    """Return the statements that drop what the revision that is applied replaces, once.

    Args:
        context: The migration context of the run.
    """
    drops: Mapping[str, Sequence[str]] = context.opts.get(REPLACED_OPTION, {})
    revision = applied_revision(context)
    if revision is None:
        return []
    context.opts[REPLACED_OPTION] = {name: each for name, each in drops.items() if name != revision}
    return [*drops.get(revision, ())]
