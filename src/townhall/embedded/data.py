"""The data folder of a server: whether it can be used, and how it is created."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from townhall.embedded.accounts import Account, name_of

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_directories": ".",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
}
_LOCALE = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
_LOCALE_PROVIDER = {
    16: ("--locale-provider=libc",),
    18: ("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
}


class UnusableDataError(Exception):
    """A data folder can't be used; the message says why."""


def holds_data(data: Path, version: int, account: Account | None) -> bool:
    """Tell whether a data folder can be used as it is; False where it has to be created.

    Args:
        data: The data folder.
        version: The major version of PostgreSQL.
        account: The account that runs the server; None for that of this process.

    Raises:
        UnusableDataError: Another account owns it, or it holds something else.
    """
    if not data.exists():
        return False
    _check_owner(data, account)
    if not any(data.iterdir()):
        return False
    if not (data / "PG_VERSION").is_file():
        raise UnusableDataError("it is not empty and no data folder of PostgreSQL")
    actual = (data / "PG_VERSION").read_text(encoding="utf-8").strip()
    if actual != str(version):
        raise UnusableDataError(f"its data is of PostgreSQL {actual or '(unknown)'}")
    return True


def _check_owner(data: Path, account: Account | None) -> None:
    owner = data.stat().st_uid
    runner = os.geteuid() if account is None else account.uid
    if owner != runner:
        raise UnusableDataError(
            f"it belongs to the account {name_of(owner) or owner};"
            f" run as that account, or give it to {name_of(runner) or runner} with chown -R"
        )


def create_data(
    data: Path, version: int, account: Account | None, run_initdb: Callable[[Path, list[str]], None]
) -> None:
    """Create a data folder beside its place and move it there, so that it is never incomplete.

    Args:
        data: The data folder.
        version: The major version of PostgreSQL.
        account: The account that is to own it; None for that of this process.
        run_initdb: Runs ``initdb`` on a folder, with arguments.
    """
    fresh = Path(tempfile.mkdtemp(prefix=_new_prefix(data), dir=data.parent))
    try:
        if account is not None:
            os.chown(fresh, *account)
        run_initdb(fresh, _initdb_arguments(version))
        fresh.rename(data)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def _initdb_arguments(version: int) -> list[str]:
    return [
        *("--username=postgres", "--auth-local=trust", "--auth-host=reject"),
        *("--encoding=UTF8", f"--locale={_LOCALE}", *_LOCALE_PROVIDER[version]),
        *(f"--set={name}={value}" for name, value in _SETTINGS.items()),
    ]


def remove_incomplete_data(data: Path) -> None:
    """Remove the folders of processes that were killed while they created the data."""
    for folder in data.parent.glob(f"{_new_prefix(data)}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _new_prefix(data: Path) -> str:
    return f"{data.name}-new-"


def remove_reused_process_file(data: Path) -> None:
    """Remove the process file of a crashed server whose number another program has now.

    PostgreSQL would take that program for a running server and refuse to start. In a container
    that was started again the same low numbers are given again each time.
    """
    file = data / "postmaster.pid"
    if not file.exists():
        return
    process = Path("/proc", file.read_text(encoding="utf-8").partition("\n")[0], "cwd")
    try:
        is_ours = process.samefile(data)
    except OSError:
        return
    if not is_ours:
        file.unlink()
