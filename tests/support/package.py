"""The built package."""
# ruff: noqa: S603 - the program is Python's own

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def build_wheel(folder: Path) -> Path:
    """Build the wheel of this checkout into a folder, and return its path."""
    run(sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT))
    (wheel,) = folder.glob("*.whl")
    return wheel


def run(*command: str | Path, folder: Path = ROOT, **environment: str) -> str:
    """Run a command, and return its output.

    Args:
        *command: The command, without a shell.
        folder: Where it runs.
        **environment: Its whole environment; that of this process where there is none.

    Raises:
        AssertionError: It failed; the message is what it printed.
    """
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment or None,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
