"""Alembic's real command line, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def alembic(
    *arguments: str,
    url: str | None = None,
    directory: Path = REPOSITORY,
    python: Path | str = sys.executable,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a command of Alembic, and return its output.

    Args:
        arguments: What follows ``alembic``.
        url: What ``DATABASE_URL`` names; it is not set otherwise.
        directory: Where it runs.
        python: The interpreter, of the environment to use.
        check: Whether to raise an error with its output where it fails.

    Raises:
        AssertionError: The command failed, and ``check`` says that it may not.
    """
    done = subprocess.run(  # noqa: S603  the interpreter, and no shell
        command(*arguments, python=python),
        cwd=directory,
        env=environment(url),
        check=False,
        capture_output=True,
        text=True,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def start_alembic(*arguments: str, url: str) -> subprocess.Popen[str]:
    """Start a command of Alembic in the repository, and do not wait for it."""
    return subprocess.Popen(  # noqa: S603  the interpreter, and no shell
        command(*arguments),
        cwd=REPOSITORY,
        env=environment(url),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=_heed_interrupts,  # noqa: PLW1509 - the tests start no thread that holds a lock
    )


def _heed_interrupts() -> None:
    # What a shell runs in the background ignores them, and so would its children.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def command(*arguments: str, python: Path | str = sys.executable) -> list[str]:
    """Return the arguments of a command; another environment is isolated from this one."""
    isolated = [] if python == sys.executable else ["-I"]
    return [str(python), *isolated, "-m", "alembic", *arguments]


def environment(url: str | None) -> dict[str, str]:
    """Return the variables of this process, with the given ``DATABASE_URL``."""
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return inherited | ({"DATABASE_URL": url} if url is not None else {})
