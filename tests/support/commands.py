"""Commands of ``townhall`` in a process of their own."""
# ruff: noqa: S603 - the program is ours

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

_RUN = """
import contextlib, io, json, sys
from townhall.cli import main

printed = []
for command in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as output:
        assert main(command) == 0, command
    printed.append(output.getvalue())
json.dump(printed, sys.stdout)
"""


def printed_by(
    commands: Iterable[Sequence[str]], folder: Path, environment: Mapping[str, str]
) -> list[str]:
    """Return what each of some commands prints; none of them may fail.

    The ``env.py`` of an application may declare tables on ``townhall.Base``, and these would be
    there in all further tests of the same process.

    Args:
        commands: The commands, without the name of the program.
        folder: The working folder.
        environment: All variables of the environment.
    """
    done = subprocess.run(
        (sys.executable, "-c", _RUN, json.dumps([*map(list, commands)])),
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
        timeout=300,
    )
    printed: list[str] = json.loads(done.stdout)
    return printed
