"""The server that tests run on."""

from __future__ import annotations

from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

import psycopg

from townhall import embedded

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOTHING_IS_KEPT = ("fsync", "synchronous_commit", "full_page_writes")


@contextmanager
def serve(version: Literal[16, 18] = 18) -> Iterator[str]:
    """Run an embedded server on a new folder, and remove both at the end.

    It does not wait for the disk: after a power cut nobody misses a test's data.

    Args:
        version: The major version of PostgreSQL.

    Yields:
        The SQLAlchemy URL of its database ``postgres``, as its superuser.

    Raises:
        EmbeddedServerError: The server can't be had.
    """
    with (
        TemporaryDirectory(prefix="townhall-") as directory,
        embedded.start(directory, version=version) as server,
    ):
        _stop_syncing(server.url)
        yield server.url


def _stop_syncing(url: str) -> None:
    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as connection:
        for setting in _NOTHING_IS_KEPT:
            connection.execute(
                psycopg.sql.SQL("alter system set {} = off").format(psycopg.sql.Identifier(setting))
            )
        connection.execute("select pg_reload_conf()")
