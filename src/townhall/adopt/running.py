"""Running the steps of an adoption, and writing them as a script."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from townhall.adopt.step import Step
from townhall.migrate.guard.limits import is_usable
from townhall.migrate.origins import Origins
from townhall.migrate.savepoints import DEADLOCK, LOCK_NOT_AVAILABLE, run_script, sqlstate
from townhall.pg import sql
from townhall.printing import printable

_log = logging.getLogger(__name__)


def run_step(connection: Connection, origins: Origins, step: Step, lock_timeout: str) -> None:
    """Run a step, and remember what it changed.

    Args:
        connection: A connection outside a transaction.
        origins: The memory.
        step: The step.
        lock_timeout: How long a statement waits for a lock while others queue behind it.

    Raises:
        CommandError: PostgreSQL refuses it; the steps before it are kept.
        DBAPIError: A lock was not granted in time.
    """
    try:
        if step.is_atomic:
            with connection.begin():
                run_script(connection, _with_memory(origins, step))
        else:
            _run_apart(connection, origins, step, lock_timeout)
    except DBAPIError as error:
        if sqlstate(error) in {LOCK_NOT_AVAILABLE, DEADLOCK}:
            raise
        raise CommandError(
            f"could not {step.title}: {str(error.orig).rstrip('.')}. What was done before is kept:"
            " correct this, for which `townhall adopt` names rows that are in the way, and run the"
            " command again."
        ) from error


def _run_apart(connection: Connection, origins: Origins, step: Step, lock_timeout: str) -> None:
    with _autocommit(connection):
        try:
            for statement in _limited(_with_memory(origins, step), step, lock_timeout):
                run_script(connection, [statement])
        except BaseException:
            if step.undo and is_usable(connection):
                _undo(connection, [_limit(lock_timeout), *step.undo, _note(origins, step)])
            raise


def _undo(connection: Connection, statements: Iterable[str]) -> None:
    try:
        for statement in statements:
            run_script(connection, [statement])
    except DBAPIError as error:  # that of the step is raised
        _log.warning("What the failed step has left stays until the next run: %s", error.orig)


def _limited(statements: Iterable[str], step: Step, lock_timeout: str) -> list[str]:
    if not step.may_wait:
        return [*statements]
    return [_limit("0"), *statements, _limit(lock_timeout)]


def _limit(lock_timeout: str) -> str:
    return f"set lock_timeout = {sql.literal(lock_timeout)}"


def script_of(origins: Origins, steps: Iterable[Step], lock_timeout: str) -> Iterator[str]:
    """Yield the lines of a script for psql that runs steps.

    Args:
        origins: The memory.
        steps: The steps.
        lock_timeout: As for :func:`run_step`.
    """
    for step in steps:
        lines = _limited(_with_memory(origins, step), step, lock_timeout)
        lines = [f"{sql.closed(each)};" for each in lines]
        if step.is_atomic:
            lines = ["begin;", *lines, "commit;"]
        if step.undo:
            lines = [*_undone_on_failure(lines, step)]
        yield "\n".join([f"-- {printable(step.title)}", "", *lines, ""])


def _undone_on_failure(lines: Iterable[str], step: Step) -> Iterator[str]:
    failed = f"could not {step.title}: see the error above. What was done before is kept."
    refuse = sql.do(f"\nbegin\n    raise exception using message = {sql.literal(failed)};\nend\n")
    yield "\\set ON_ERROR_STOP off"
    for line in lines:
        yield line
        yield "\\if :ERROR"
        yield "\\set ON_ERROR_STOP on"
        yield from (f"{sql.closed(each)};" for each in (*step.undo, refuse))
        yield "\\endif"
    yield "\\set ON_ERROR_STOP on"


def _with_memory(origins: Origins, step: Step) -> list[str]:
    renamed = (origins.renamed_part(*each.table, each.previous, each.name) for each in step.renames)
    return [
        *map(origins.intend, step.adds),
        *map(origins.intend_drop, step.drops),
        *step.statements,
        *renamed,
        _note(origins, step),
    ]


def _note(origins: Origins, step: Step) -> str:
    return origins.note(by_us=not step.is_theirs)


@contextmanager
def _autocommit(connection: Connection) -> Iterator[None]:
    connection.execution_options(isolation_level="AUTOCOMMIT")
    try:
        yield
    finally:
        connection.rollback()
        connection.execution_options(isolation_level=connection.default_isolation_level)
