"""Errors of a run whose messages Alembic prints."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic.util import CommandError

from townhall.migrate.guard.refusal import ObstaclesError
from townhall.printing import printable


@contextmanager
def printable_errors() -> Iterator[None]:
    """Have the names in an error of the block forge no line and drive no terminal."""
    try:
        yield
    except ObstaclesError:
        raise
    except CommandError as error:
        error.args = (printable(str(error)), *error.args[1:])
        raise
