"""The server that tests run on."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Literal

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url

from townhall import embedded

if TYPE_CHECKING:
    from collections.abc import Iterator

_DURABILITY_SETTINGS = ("fsync", "synchronous_commit", "full_page_writes")

# Its input ends with the process that started it, also where that is killed.
_CLEAN_UP = """
cat
server=$(head -n 1 "$1"/*/postmaster.pid) && kill -QUIT "$server"
while kill -0 "$server"; do sleep 0.1; done
rm -rf "$1"
"""


@contextmanager
def serve(version: Literal[16, 18] = 18) -> Iterator[str]:
    """Run an embedded server on a new folder, and remove both at the end.

    It does not wait for the disk, since the data of a test need not survive a crash.

    Args:
        version: The major version of PostgreSQL.

    Yields:
        The SQLAlchemy URL of its database ``postgres``, as its superuser.

    Raises:
        EmbeddedServerError: The server can't be started.
    """
    with server_directory() as directory, embedded.start(directory, version=version) as server:
        _stop_syncing(server.url)
        yield server.url


@contextmanager
def server_directory() -> Iterator[Path]:
    """Create a folder for the data of a server, and remove it even if this process is killed.

    A server that still runs in a folder below it is stopped first.
    """
    directory = mkdtemp(prefix="townhall-")
    with subprocess.Popen(  # noqa: S603  a script of ours
        ("/bin/sh", "-c", _CLEAN_UP, "sh", directory),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ):
        yield Path(directory)


def _stop_syncing(url: str) -> None:
    arguments = make_url(url).get_dialect()().create_connect_args(make_url(url))[1]
    with psycopg.connect(**arguments, autocommit=True) as connection:
        for setting in _DURABILITY_SETTINGS:
            connection.execute(SQL("alter system set {} = off").format(Identifier(setting)))
        connection.execute("select pg_reload_conf()")
