"""Running the steps of an adoption, and writing them as a script."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from townhall.adopt.step import Step
from townhall.migrate.origins import Origins
from townhall.migrate.savepoints import DEADLOCK, LOCK_NOT_AVAILABLE, run_script, sqlstate
from townhall.pg import sql


def run_step(connection: Connection, origins: Origins, step: Step) -> None:
    """Run a step, and remember what it changed.

    Args:
        connection: A connection outside a transaction.
        origins: The memory.
        step: The step.

    Raises:
        CommandError: PostgreSQL refuses it; the steps before it are kept.
        DBAPIError: A lock was not granted in time.
    """
    try:
        if step.is_atomic:
            with connection.begin():
                run_script(connection, _with_memory(origins, step))
        else:
            with _autocommit(connection):
                for statement in _with_memory(origins, step):
                    run_script(connection, [statement])
    except DBAPIError as error:
        if sqlstate(error) in {LOCK_NOT_AVAILABLE, DEADLOCK}:
            raise
        raise CommandError(
            f"could not {step.title}: {str(error.orig).rstrip('.')}. What was done before is kept:"
            " correct this, for which `townhall adopt` names rows that are in the way, and run the"
            " command again."
        ) from error


def script_of(origins: Origins, steps: Iterable[Step]) -> Iterator[str]:
    """Yield the lines of a script for psql that runs steps.

    Args:
        origins: The memory.
        steps: The steps.
    """
    for step in steps:
        statements = [f"{sql.closed(each)};" for each in _with_memory(origins, step)]
        if step.is_atomic:
            statements = ["begin;", *statements, "commit;"]
        yield "\n".join([f"-- {step.title}", "", *statements, ""])


def _with_memory(origins: Origins, step: Step) -> list[str]:
    renamed = (origins.renamed_part(*each.table, each.previous, each.name) for each in step.renames)
    return [
        *map(origins.intend, step.adds),
        *map(origins.intend_drop, step.drops),
        *step.statements,
        *renamed,
        origins.note(by_us=True),
    ]


@contextmanager
def _autocommit(connection: Connection) -> Iterator[None]:
    connection.execution_options(isolation_level="AUTOCOMMIT")
    try:
        yield
    finally:
        connection.rollback()
        connection.execution_options(isolation_level=connection.default_isolation_level)
