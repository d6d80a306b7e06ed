"""The data folder of a server: whether it can be used, and how it is created."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

from townhall.embedded.errors import UnusableDataError
from townhall.embedded.folders import Folder

_PROCESS_FILE = "postmaster.pid"
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


def holds_data(folder: Folder, name: str, version: int) -> bool:
    """Tell whether a data folder can be used as it is; False where it has to be created.

    Args:
        folder: The folder that contains it.
        name: Its name.
        version: The major version of PostgreSQL.

    Raises:
        UnusableDataError: Another account owns it, or it holds something else.
        OSError: It is a link or a file.
    """
    if folder.owner_of(name) is None:
        return False
    with folder.own_subfolder(name) as data:
        names = data.names
        if not names:
            return False
        if "PG_VERSION" not in names:
            raise UnusableDataError("it is not empty and no data folder of PostgreSQL")
        actual = data.read("PG_VERSION").strip()
    if actual != str(version):
        raise UnusableDataError(f"its data is of PostgreSQL {actual or '(unknown)'}")
    return True


def create_data(
    folder: Folder, name: str, version: int, run_initdb: Callable[[Folder, list[str]], None]
) -> None:
    """Create a data folder beside its place and move it there, so that it is never incomplete.

    Args:
        folder: The folder that is to contain it.
        name: Its name.
        version: The major version of PostgreSQL.
        run_initdb: Runs ``initdb`` on a folder, with arguments.
    """
    fresh = f"{_new_prefix(name)}{secrets.token_hex(4)}"
    try:
        folder.make_subfolder(fresh, 0o700, {})
        with folder.own_subfolder(fresh) as data:
            run_initdb(data, _initdb_arguments(version))
        folder.rename(fresh, name)
    except BaseException:
        folder.remove(fresh)
        raise


def _initdb_arguments(version: int) -> list[str]:
    return [
        *("--username=postgres", "--auth-local=trust", "--auth-host=reject"),
        *("--encoding=UTF8", f"--locale={_LOCALE}", *_LOCALE_PROVIDER[version]),
        *(f"--set={name}={value}" for name, value in _SETTINGS.items()),
    ]


def remove_incomplete_data(folder: Folder, name: str) -> None:
    """Remove the folders of processes that were killed while they created the data.

    Args:
        folder: The folder that contains them.
        name: The name of the data folder.
    """
    for each in folder.names:
        if each.startswith(_new_prefix(name)):
            folder.remove(each)


def _new_prefix(name: str) -> str:
    return f"{name}-new-"


def remove_reused_process_file(data: Folder) -> None:
    """Remove the process file of a crashed server whose number another program has now.

    PostgreSQL would take that program for a running server and refuse to start. In a container
    that was started again the same low numbers are given again each time.

    Args:
        data: The data folder.
    """
    number = data.read(_PROCESS_FILE).partition("\n")[0]
    if not number.isdecimal():
        return
    try:
        status = Path("/proc", number, "cwd").stat()
    except OSError:
        return
    if not os.path.samestat(status, os.fstat(data.descriptor)):
        data.unlink(_PROCESS_FILE)
