"""Servers of every supported version that is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

from townhall.testing.servers import serve, server_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from townhall.testing.databases import Databases

NAMED = "DATABASE_URL"
VERSIONS = (NAMED,) if os.environ.get(NAMED) else ("15", "16", "18")
"""The versions that tests run on, or the server that ``DATABASE_URL`` names."""

EVERY_VERSION = (
    VERSIONS[-1],
    *(pytest.param(version, marks=pytest.mark.exhaustive) for version in VERSIONS[:-1]),
)
"""Parameters of a fixture: the newest in every run of the tests, the others in exhaustive ones.

A cell of the version matrix runs all tests on one of the others.
"""

MISSING_EXTENSION = re.compile(r"extension \S+ is not available")
"""The error of a test that installs an extension which its server does not have."""

_DEBIAN = Path("/usr/lib/postgresql")
_DEBIAN_ACCOUNT = "postgres"


class Servers:
    """Servers by version, each started when it is first asked for and stopped at the end."""

    def __init__(self, default: str) -> None:
        """Take the URL of the server that all other tests use, which has version 18."""
        self._stack = ExitStack()
        self._urls = {"18": default, NAMED: default}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def url(self, version: str) -> str:
        """Return the SQLAlchemy URL of the superuser of a version; skip if it isn't installed."""
        if version not in self._urls:
            self._urls[version] = self._stack.enter_context(serve_version(version))
        return self._urls[version]

    def once_each(
        self, make: Callable[[Databases], AbstractContextManager[str]]
    ) -> Callable[[Databases], str]:
        """Return a function that gives the database of a server, made when it is first asked for.

        The database is dropped before its server stops.
        """
        known: dict[str, str] = {}

        def of(databases: Databases) -> str:
            server = str(databases.server)
            if server not in known:
                known[server] = self._stack.enter_context(make(databases))
            return known[server]

        return of


def serve_version(version: str) -> AbstractContextManager[str]:
    """Run a new server; the test is skipped where the version is not installed.

    Args:
        version: One of ``VERSIONS``, but not the one that was named.

    Returns:
        A context manager that gives the SQLAlchemy URL of its superuser.
    """
    return _STARTERS[version]()


@contextmanager
def _serve_debian(version: str) -> Iterator[str]:
    programs = _DEBIAN / version / "bin"
    if not programs.is_dir():
        pytest.skip(f"PostgreSQL {version} is not installed: apt-get install postgresql-{version}")
    # PostgreSQL refuses to run as root.
    user = _DEBIAN_ACCOUNT if os.geteuid() == 0 else None
    with server_directory() as directory:
        if user:
            shutil.chown(directory, user)
        data = f"{directory}/data"
        control = (str(programs / "pg_ctl"), "--pgdata", data, "--wait", "--silent")
        initdb = (str(programs / "initdb"), "--pgdata", data, "--no-sync")
        settings = f"-F -c listen_addresses= -c unix_socket_directories={directory}"
        _run(user, *initdb, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C")
        _run(user, *control, "--log", f"{directory}/log", "--options", settings, "start")
        try:
            yield f"postgresql+psycopg://postgres@/postgres?host={directory}"
        finally:
            _run(user, *control, "--mode=fast", "stop")


def _run(user: str | None, *command: str) -> None:
    subprocess.run(  # noqa: S603  programs of PostgreSQL, found by ourselves
        command, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL
    )


_STARTERS: dict[str, Callable[[], AbstractContextManager[str]]] = {
    "15": lambda: _serve_debian("15"),
    "16": lambda: serve(16),
    "18": serve,
}
