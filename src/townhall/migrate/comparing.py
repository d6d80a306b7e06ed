"""What a run gives Alembic for a comparison, and for a revision that is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext
from alembic.runtime.migration import MigrationContext

from townhall.migrate import autogenerate
from townhall.migrate.compare.expressions import render_sql_unchanged
from townhall.migrate.trial.hook import before_trial

RenderItem = Callable[[str, Any, AutogenContext], str | Literal[False]]
"""``render_item`` of Alembic's ``context.configure``."""


def prepare_comparison(context: MigrationContext) -> None:
    """Have a migration context compare, try and write as :mod:`townhall.migrate` does.

    What the application does with its revisions, and renders itself, comes first.

    Args:
        context: The context of the run, before it compares.
    """
    render_sql_unchanged(context)
    context.opts.update(
        autogenerate_plugins=autogenerate.plugins(),
        process_revision_directives=before_trial(context.opts["process_revision_directives"]),
        render_item=_rendering_with(context.opts.get("render_item")),
    )


def _rendering_with(render: RenderItem | None) -> RenderItem:
    def render_theirs_first(
        kind: str,
        item: Any,  # noqa: ANN401 - Alembic's
        context: AutogenContext,
    ) -> str | Literal[False]:
        from townhall.migrate.write.rendering import render_item  # noqa: PLC0415 - see trial.hook

        rendered = False if render is None else render(kind, item, context)
        return render_item(kind, item, context) if rendered is False else rendered

    return render_theirs_first
