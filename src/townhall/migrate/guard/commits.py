"""Recording what a revision has made where it commits before its end.

If the run is interrupted behind that, the next one would take it for found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from alembic.runtime.migration import MigrationContext
from alembic.script import Script

from townhall.migrate.guard.revision_files import creations_of, objects_of
from townhall.migrate.origins import Origins, Part, applied_revision
from townhall.pg.operations import run_unchanged


def record_before_commits(
    context: MigrationContext, pending: Sequence[Script], start: Callable[[], Origins]
) -> None:
    """Let the autocommit blocks of a run record before what its revisions have made.

    Args:
        context: The migration context of the run, which alone is changed.
        pending: The revisions that are going to be applied.
        start: Begins to use the memory, where the run had no need of it.
    """
    block = context.autocommit_block
    revisions = {str(each.revision): each for each in pending}

    def record() -> None:
        applied = applied_revision(context)
        own = _made_by(revisions.pop(applied)) if applied in revisions else []
        origins = Origins.of(context) or (start() if own else None)
        if origins is not None:
            run_unchanged(context, [origins.note(by_us=True)])
        if origins is not None and applied is not None and own:
            run_unchanged(context, [origins.begin(own, applied)])

    @contextmanager
    def autocommit_block() -> Iterator[None]:
        record()
        with block():
            yield

    vars(context)["autocommit_block"] = autocommit_block


def _made_by(revision: Script) -> list[Part]:
    tables = [
        ("table", each.table[0], name, "")
        for each in creations_of([revision])
        for name in each.names
    ]
    return [*tables, *objects_of(revision)]
