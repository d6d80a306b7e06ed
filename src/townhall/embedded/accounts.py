"""The account that runs the programs: PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

if sys.platform != "win32":
    import pwd


class Account(NamedTuple):
    """A user and a group of the operating system, by number."""

    uid: int
    gid: int


def account_for(owner: Account, *, is_of_data: bool = False) -> Account | None:
    """Return the account that runs the programs; None for that of this process, if not root.

    Args:
        owner: The owner of the folder that is used.
        is_of_data: Whether it has data. New data needs an owner with a name: initdb looks it up.
    """
    if os.geteuid() != 0:
        return None
    if owner.uid != 0 and (is_of_data or name_of(owner.uid)):
        return owner
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def name_of(uid: int) -> str | None:
    """Return the name of an account, or None where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def run_as(
    account: Account | None, command: Sequence[str | Path], folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run a program of PostgreSQL, and return its status and output.

    Args:
        account: The account to run it as; None for that of this process.
        command: The program and its arguments.
        folder: The working directory, which the account need not be able to enter.
    """
    return subprocess.run(  # noqa: S603 - the programs of the wheel, no shell
        command,
        cwd=folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        user=account and account.uid,
        group=account and account.gid,
        extra_groups=account and (),
    )


def _environment() -> dict[str, str]:
    """Return the environment without the variables that would change what our commands do."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C"}
