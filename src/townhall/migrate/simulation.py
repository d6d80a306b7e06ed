"""Trying things out in a database, and leaving no trace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from townhall.pg import ENTITY_CLASSES, Entity
from townhall.pg.catalog import empty_search_path

LOCK_TIMEOUT, DEADLOCK, _CANCELLED = "55P03", "40P01", "57014"

Key = tuple[str, ...]
State = dict[Key, Entity]
Step = TypeVar("Step")


@dataclass(frozen=True)
class Failure(Generic[Step]):
    """A step that PostgreSQL refused.

    Attributes:
        step: What was tried.
        error: What PostgreSQL said.
    """

    step: Step
    error: DBAPIError

    @property
    def message(self) -> str:
        """PostgreSQL's message, with its detail, hint and position."""
        return str(self.error.orig).strip()


@contextmanager
def rolled_back(connection: Connection) -> Iterator[None]:
    """Undo whatever happens inside.

    Args:
        connection: A connection; it may be within a transaction, which stays as it is.
    """
    savepoint = connection.begin_nested()
    try:
        yield
    finally:
        if savepoint.is_active:
            savepoint.rollback()


def read_state(connection: Connection, schemas: Sequence[str]) -> State:
    """Return every entity in some schemas as the catalog tells it, each kind read once.

    Args:
        connection: A connection within a transaction.
        schemas: Names of schemas.
    """
    with empty_search_path(connection):
        found = [
            entity
            for entity_class in ENTITY_CLASSES
            for entity in entity_class.read(connection, schemas)
        ]
    return {entity.key: entity for entity in found}


def run_script(connection: Connection, statements: Iterable[str]) -> None:
    """Execute statements in one round trip, as they stand.

    Args:
        connection: A connection within a transaction.
        statements: SQL without parameters.
    """
    script = ";\n".join(statements)
    if script:
        connection.exec_driver_sql(script, execution_options={"no_parameters": True})


def run_in_any_order(
    connection: Connection,
    steps: Sequence[Step],
    run: Callable[[Step], None],
    waits: Callable[[Step, Sequence[Step]], bool] = lambda _step, _pending: False,
) -> tuple[list[Step], list[Failure[Step]]]:
    """Run steps that may need each other, and return an order in which they run.

    A step that fails is tried again after the others, for as long as that gets anywhere: what
    depends on what is known to PostgreSQL and not guessed from text.

    Args:
        connection: A connection within a transaction.
        steps: The steps, in the order to try.
        run: Runs a step.
        waits: Whether a step must not even be tried before others that are pending.

    Returns:
        The steps in the order in which they succeeded, and those that never did.
    """
    done: list[Step] = []
    pending = list(steps)
    while pending:
        failures: list[Failure[Step]] = []
        waiting: list[Step] = []
        for step in pending:
            if waits(step, [failure.step for failure in failures]):
                waiting.append(step)
                continue
            error = attempt(connection, lambda step=step: run(step))  # type: ignore[misc] # bound now
            if error is None:
                done.append(step)
            else:
                failures.append(Failure(step, error))
        if len(failures) + len(waiting) == len(pending):
            return done, failures
        pending = [*(failure.step for failure in failures), *waiting]
    return done, []


def attempt(connection: Connection, run: Callable[[], None]) -> DBAPIError | None:
    """Run something, and undo it if PostgreSQL refuses.

    Args:
        connection: A connection within a transaction.
        run: What to try.

    Returns:
        What PostgreSQL said against it, or None.

    Raises:
        DBAPIError: PostgreSQL said nothing of what was tried: there was no time for it, or no lock.
    """
    savepoint = connection.begin_nested()
    try:
        run()
    except DBAPIError as error:
        savepoint.rollback()
        if sqlstate(error) in {LOCK_TIMEOUT, DEADLOCK, _CANCELLED}:
            raise
        return error
    except BaseException:
        savepoint.rollback()
        raise
    savepoint.commit()
    return None


def sqlstate(error: DBAPIError) -> str:
    """Return PostgreSQL's code of an error, or nothing where it has none."""
    return getattr(error.orig, "sqlstate", None) or ""
