"""The servers that this process uses."""

from __future__ import annotations

import atexit
import os
import sys
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from urllib.parse import quote

from townhall.embedded.cluster import Cluster
from townhall.embedded.errors import EmbeddedServerError
from townhall.embedded.programs import bin_directory
from townhall.embedded.sockets import PORT, socket_directory

_joined: list[Server] = []


class Server:
    """A running PostgreSQL that this process uses.

    The process leaves it by :meth:`stop`, at the end of a ``with`` block, or by ending. The last
    process to leave stops the server.

    Attributes:
        url: For ``sqlalchemy.create_engine``; names the superuser ``postgres``.
        version: The major version of PostgreSQL.
        data_directory: The data folder, which contains the log of the server (``server.log``).
        bin_directory: The folder of ``psql``, ``pg_dump`` and the other programs.
    """

    def __init__(self, cluster: Cluster, presence: int) -> None:
        """Use a cluster that was joined.

        Args:
            cluster: The cluster.
            presence: What its ``join`` returned.
        """
        self._cluster = cluster
        self._presence = presence
        self._process = os.getpid()
        self.url = (
            "postgresql+psycopg://postgres@/postgres"
            f"?host={quote(os.fspath(socket_directory(cluster.data)))}&port={PORT}"
        )
        self.version: int = cluster.version
        self.data_directory = cluster.data
        self.bin_directory = cluster.programs
        _joined.append(self)

    def stop(self) -> None:
        """Leave the server, and stop it if no other process uses it; idempotent.

        In a process forked from the one that joined it does nothing: its parent uses the server.

        Raises:
            EmbeddedServerError: The server did not stop.
        """
        if self in _joined and self._process == os.getpid():
            _joined.remove(self)
            self._cluster.leave(self._presence)

    def __enter__(self) -> Self:
        """Return the server, which the block leaves at its end."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the server."""
        self.stop()

    def __repr__(self) -> str:
        """Name the version and the data folder."""
        return f"<Server PostgreSQL {self.version} in {self.data_directory}>"


def joined() -> tuple[Server, ...]:
    """Return the servers that this process uses, in the order of joining."""
    return tuple(_joined)


def start(
    directory: str | os.PathLike[str] = ".townhall", *, version: Literal[16, 18] = 18
) -> Server:
    """Start the server whose data is below a directory, or join it where it runs.

    Any number of processes may do so concurrently. The first one creates the data folder, for
    version 18 ``postgresql-18``; the committed data in it outlives the server.

    Args:
        directory: The folder for all files of the servers, created where it is missing.
        version: The major version of PostgreSQL.

    Raises:
        EmbeddedServerError: The wheel is not installed, or the folder can't be used.
    """
    if sys.platform == "win32":
        raise EmbeddedServerError(
            "There is no embedded PostgreSQL on Windows; name a server with DATABASE_URL."
        )
    cluster = Cluster(Path(directory).absolute(), version, bin_directory(version))
    _stop_at_exit()
    return Server(cluster, cluster.join())


@cache
def _stop_at_exit() -> None:
    atexit.register(_stop_all)


def _stop_all() -> None:
    for server in joined():
        server.stop()
