"""Trying revisions that have operations, and listing these where a check found them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain

from alembic.operations.ops import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError

from townhall.migrate.guard.lock_timeouts import COMPARISON
from townhall.migrate.guard.locks import with_retries
from townhall.migrate.operations.live import NotedOp
from townhall.migrate.settings import LIVE_OPTION, LOCK_TIMEOUT_OPTION, SETTINGS, Settings
from townhall.migrate.trial.running import decided
from townhall.migrate.trial.verification import try_revisions
from townhall.migrate.write.listing import refuse_differences
from townhall.migrate.write.live import for_tables_in_use
from townhall.migrate.write.repeatable import make_repeatable
from townhall.migrate.write.series import Part, divided, series
from townhall.migrate.write.values_of_data import add_values_before_data

_log = logging.getLogger(__name__)

_SHORT = (
    "This revision locks tables in use for as long as it builds indexes and reads rows. The form"
    " that does not was tried and is not written"
)


def try_and_list(
    context: MigrationContext, directives: list[MigrationScript], *, is_check: bool
) -> None:
    """Run revisions as they are going to be written, and list their operations for a check.

    Args:
        context: The context of the run.
        directives: The finished revisions, which are changed to those that will be written.
        is_check: Whether the run is ``alembic check``.

    Raises:
        CommandError: A revision would not run or not come back, so that none is written; or a check
            found differences, which the message lists.
    """
    settings: Settings = context.opts[SETTINGS]
    connection = context.connection
    if connection is None:
        return

    def try_them(revisions: Sequence[MigrationScript]) -> None:
        with_retries(
            connection,
            context.opts.get(LOCK_TIMEOUT_OPTION, COMPARISON),
            lambda: try_revisions(context, revisions, settings.scope.schemas),
        )

    for script in directives:
        add_values_before_data(script)
    forms = _forms(context, directives)
    for script in dict.fromkeys(chain(*forms)):
        make_repeatable(context, script)
    refusals: list[CommandError] = []
    for form in forms[:-1]:
        try:
            try_them(form)
        except CommandError as refusal:
            refusals.append(refusal)
        else:
            directives[:] = form
            break
    else:
        directives[:] = forms[-1]
        try_them(directives)
        if refusals and not is_check:
            _tell_of_locks(directives, str(refusals[0]).partition("because ")[2])
    if is_check:
        refuse_differences(context, directives)


def _forms(
    context: MigrationContext, scripts: Sequence[MigrationScript]
) -> Sequence[Sequence[MigrationScript]]:
    short = [divided(script, lambda given: [given]) for script in scripts]
    # An operation may need another one earlier than that can be made without long locks.
    forms: list[Sequence[Sequence[Part]]] = []
    if context.opts.get(LIVE_OPTION, False):
        for removes_last in (False, True):
            divide = partial(for_tables_in_use, context, removes_last=removes_last)
            form = [divided(script, divide) for script in scripts]
            if form != short:
                forms.append(form)
    return [
        [
            each
            for script, parts in zip(scripts, form, strict=True)
            for each in series(script, parts)
        ]
        for form in (*forms, short)
    ]


def _tell_of_locks(scripts: Iterable[MigrationScript], why: str) -> None:
    _log.warning("%s, because %s", _SHORT, why)
    for operations in (each.ops for script in scripts for each in script.upgrade_ops_list):
        steps = [*decided(operations)]
        if steps:
            first = operations.index(steps[0])
            operations[first] = NotedOp(steps[0], f"{_SHORT}, because {why.splitlines()[0]}")
