"""Errors of what was given, of which a command prints the message alone."""

from __future__ import annotations

import sys
from typing import Any, Self


class PrintedError(Exception):
    """What was given can't be used, or a command can't do its work; the message says why.

    Alembic prints the message of its own ``CommandError`` alone, and any other exception with its
    traceback, also one that an ``env.py`` raises before it calls this package. So where Alembic is
    loaded, an error is of both classes. Alembic is not loaded for it.
    """

    def __new__(cls, *arguments: object) -> Self:
        """Return an error that Alembic prints as its own, where it is loaded."""
        made: Self = super().__new__(_known_to_alembic(cls), *arguments)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """Return the class that has a module, and the values: the one of both has none."""
        declared = next(each for each in type(self).__mro__ if not each.__dict__.get(_OF_BOTH))
        return declared, self.args, vars(self)


_OF_BOTH = "_is_alembics_too"

_made: dict[type[Any], type[Any]] = {}
"""The class of both of each class."""


def _known_to_alembic(declared: type[PrintedError]) -> type[Any]:
    of_alembic = getattr(sys.modules.get("alembic.util.exc"), "CommandError", None)
    if of_alembic is None:
        return declared
    if declared not in _made:
        names = {
            "__module__": declared.__module__,
            "__qualname__": declared.__qualname__,
            "__doc__": declared.__doc__,
            _OF_BOTH: True,
        }
        _made[declared] = type(declared.__name__, (declared, of_alembic), names)
    return _made[declared]
