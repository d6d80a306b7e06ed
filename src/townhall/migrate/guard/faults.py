"""Faults of the database and of the connection, as one paragraph each."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import psycopg
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from townhall.migrate.faults import database_error, describe, remembering_forms, statement_of
from townhall.migrate.guard.limits import is_usable
from townhall.printing import abridged


@contextmanager
def explaining_faults(connection: Connection, *, is_command: bool) -> Iterator[None]:
    """End a run that the database or the connection makes fail with one paragraph.

    Alembic prints the message of a ``CommandError``, and a traceback of any other error.

    Args:
        connection: The connection of the run.
        is_command: Whether a person runs it on the command line, who may interrupt it.

    Raises:
        CommandError: An error of the database, whose cause is the error; or a keyboard interrupt
            on the command line.
    """
    try:
        with remembering_forms(connection.engine):
            yield
    except KeyboardInterrupt:
        if not is_command:
            raise
        raise CommandError(
            f"interrupted. {_state(connection)} A statement that was running is undone."
        ) from None
    except (SQLAlchemyError, psycopg.Error) as error:
        fault = database_error(error)
        if fault is None:
            raise
        place = _place(fault, error.__traceback__)
        raise CommandError(describe(fault, place, _state(connection))) from error


def _place(error: DBAPIError | psycopg.Error, frames: TracebackType | None) -> str:
    """Return the statement that failed, and the line of the revision that executed it."""
    statement = abridged(statement_of(error))
    revisions = [
        f"{Path(frame.f_code.co_filename).name}, line {line}"
        for frame, line in traceback.walk_tb(frames)
        if "down_revision" in frame.f_globals
    ]
    where = " ".join([*filter(None, [statement]), *(f"({each})" for each in revisions[:1])])
    return f"At: {where}." if where else ""


def _state(connection: Connection) -> str:
    """Return where the database is: after an error all of its transaction is undone."""
    revisions: tuple[str, ...] | None = None
    if is_usable(connection):
        try:
            connection.rollback()
            revisions = MigrationContext.configure(connection).get_current_heads()
            connection.rollback()
        except (SQLAlchemyError, psycopg.Error):
            revisions = None
    if revisions is None:
        return "The database is at the last completed revision, which alembic current names."
    if not revisions:
        return "The database is at no revision."
    return f"The database is at {', '.join(revisions)}, the last completed revision."
