"""The exit status of a command that a signal asks to end."""

from __future__ import annotations

import signal
from collections.abc import Callable


class _TerminatedError(KeyboardInterrupt):
    """The process was asked to end: as at an interrupt, the query that runs is cancelled."""


def ended_by_signal(work: Callable[[], int], failed: int) -> int:
    """Run something that cleans up behind itself also where the process is asked to end.

    Args:
        work: What to run; it returns the exit status.
        failed: The exit status where it did not complete.

    Returns:
        The exit status; 128 and the number of the signal where one asked to end.
    """
    signals: list[int] = []

    def terminate(number: int, _: object) -> None:
        signals.append(number)
        raise _TerminatedError

    signal.signal(signal.SIGTERM, terminate)
    try:
        status = work()
    except _TerminatedError:
        status = failed
    # Python ignores an exception raised while it collects garbage: the work then completes.
    return 128 + signals[0] if signals else status
