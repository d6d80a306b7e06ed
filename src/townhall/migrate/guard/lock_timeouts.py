"""How long a run waits for locks, and how its command is told another time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

from townhall.migrate.guard.limits import milliseconds

LOCK_TIMEOUT = "townhall_lock_timeout"
"""The key in the attributes of Alembic's configuration by which a command gives its own."""

PAUSE = 0.2  # seconds between two attempts
_EACH = "200ms"
_ATTEMPTS = 5


@dataclass(frozen=True)
class LockTimeout:
    """How long a statement waits for a lock while other sessions queue behind it.

    Attributes:
        duration: The lock timeout, as PostgreSQL writes durations.
        option: How the command that runs is told a longer one, as a person types it.
        attempts: How often something is tried that is rolled back where a lock is not granted.
    """

    duration: str
    option: str = "-x lock_timeout=30s"
    attempts: int = _ATTEMPTS

    @property
    def of_comparison(self) -> LockTimeout:
        """That of a comparison, which waits as long in attempts behind which nobody queues long.

        Raises:
            CommandError: The duration is none.
        """
        total = milliseconds(self.duration)
        if not total:
            return self
        each = milliseconds(_EACH)
        return replace(
            self,
            duration=_EACH if total > each else self.duration,
            attempts=max(_ATTEMPTS, ceil(total / (each + PAUSE * 1000))),
        )


COMPARISON = LockTimeout(_EACH, "-x lock_timeout=5s")
"""That of a comparison, which holds others up for a moment."""
