"""How long a run waits for another migration of its database, and how its command is told so."""

from __future__ import annotations

from dataclasses import dataclass

from townhall.migrate.guard.limits import milliseconds

WAIT_LIMIT = "townhall_wait_limit"
"""The key in the attributes of Alembic's configuration by which a program or command gives it."""

BY_DEFAULT = "5min"
"""How long a run waits for another one unless it is told otherwise."""


@dataclass(frozen=True)
class WaitLimit:
    """How long a run waits for the lock that another migration of the database holds.

    Attributes:
        duration: A number of seconds, or a duration as PostgreSQL writes it; 0 for no wait.
        option: How the command that runs is told a longer one, as a person types it.

    Raises:
        CommandError: The duration is none.
    """

    duration: str = BY_DEFAULT
    option: str = "-x wait=30min"

    def __post_init__(self) -> None:
        """Refuse a duration that is none."""
        _ = self.seconds

    @property
    def seconds(self) -> float:
        """The duration in seconds."""
        return milliseconds(self.duration, "the wait for another migration", "s") / 1000

    def __str__(self) -> str:
        """Return the duration with its unit."""
        text = self.duration.strip()
        return text if text[-1:].isalpha() else f"{text} s"
