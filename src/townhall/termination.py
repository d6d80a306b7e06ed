"""The end of a command: its exit status, and its message where it failed."""
# ruff: noqa: T201 - printing is what this is for

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable

FAILED = 2
"""The exit status of every command that failed, as it is for wrong arguments."""

_SIGNALLED = 128  # more by the number of the signal, as a shell has it


class _TerminatedError(KeyboardInterrupt):
    """The process was asked to end: as at an interrupt, the query that runs is cancelled."""


def run_to_end(command: Callable[[], int]) -> int:
    """Run a command, which cleans up behind itself also where the process is asked to end.

    A failure is printed as one paragraph, and an exception that is a fault of the program with its
    traceback.

    Args:
        command: What to run; it returns the exit status.

    Returns:
        The exit status: 2 where the command failed; 128 and the number of the signal where one
        asked to end, or where what reads the output has closed it.
    """
    signals: list[int] = []

    def terminate(number: int, _: object) -> None:
        signals.append(number)
        raise _TerminatedError

    former = signal.signal(signal.SIGTERM, terminate)
    try:
        status = _status_of(command)
    except BrokenPipeError:
        _discard_output()
        status = _SIGNALLED + signal.SIGPIPE
    except KeyboardInterrupt:
        status = _SIGNALLED + signal.SIGINT
    finally:
        signal.signal(signal.SIGTERM, former)
    # Python ignores an exception raised while it collects garbage: the command then completes.
    return _SIGNALLED + signals[0] if signals else status


def _status_of(command: Callable[[], int]) -> int:
    try:
        return command()
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - Python's exit status for it is 1
        from townhall.failures import message_of  # noqa: PLC0415 - most commands do not fail

        message = message_of(error)
        if message is None:
            traceback.print_exc()
        else:
            print(f"townhall: {message}", file=sys.stderr)
        return FAILED
    finally:
        sys.stdout.flush()


def _discard_output() -> None:
    # Python writes what is left of it at its end, which would fail again.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
