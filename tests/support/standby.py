"""A server with a hot standby that follows it."""
# ruff: noqa: S603 - the programs of the embedded PostgreSQL

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import make_url

from townhall import embedded
from townhall.migrate import upgrade
from townhall.testing.servers import server_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_OTHERS = "select array_agg(pid) from pg_stat_activity where pid <> pg_backend_pid()"
_TIMEOUT = 30  # seconds until a standby has replayed what its primary has written


class Pair:
    """A server and its standby, which can be stopped and started again.

    Attributes:
        primary: The URL of a database of the server.
        standby: The URL of the same database on the standby.
    """

    def __init__(self, primary: embedded.Server, folder: Path, stack: ExitStack) -> None:
        """Start the standby whose data is in a folder."""
        self._folder = folder
        self._server = embedded.start(folder)
        self.primary = primary.url
        self.standby = self._server.url
        stack.callback(self.stop_standby)

    def stop_standby(self) -> None:
        self._server.stop()

    def start_standby(self) -> None:
        self._server = embedded.start(self._folder)

    @contextmanager
    def hanging_standby(self) -> Iterator[None]:
        """Let no process of the standby run, while its connections stay open."""
        main = int((self._server.data_directory / "postmaster.pid").read_text().split()[0])
        others = query(self.standby, _OTHERS)
        assert isinstance(others, list)
        processes = (main, *others)
        for each in processes:
            os.kill(each, signal.SIGSTOP)
        try:
            yield
        finally:
            for each in processes:
                os.kill(each, signal.SIGCONT)


@contextmanager
def standby_pair() -> Iterator[Pair]:
    """Run two servers; the test is skipped where one can't be copied."""
    with (
        server_directory() as directory,
        embedded.start(directory / "primary") as primary,
        ExitStack() as stack,
    ):
        directory.chmod(0o711)  # the standby's account looks for the primary's socket below it
        copy = directory / "standby" / primary.data_directory.name
        copy.parent.mkdir()
        query(primary.url, "alter system set fsync = off")
        query(primary.url, "select pg_reload_conf()")
        _back_up(primary, copy)
        yield Pair(primary, copy.parent, stack)


@contextmanager
def migrated_pair() -> Iterator[Pair]:
    """Run a server at head with a standby that has replayed all of it."""
    with standby_pair() as pair:
        upgrade(pair.primary)
        wait_for_replay(pair)
        yield pair


def wait_for_replay(pair: Pair) -> None:
    """Wait until the standby has replayed what its primary has written by now."""
    written = query(pair.primary, "select pg_current_wal_lsn()::text")
    until = time.monotonic() + _TIMEOUT
    while not query(pair.standby, f"select pg_last_wal_replay_lsn() >= '{written}'"):
        assert time.monotonic() < until
        time.sleep(0.05)


def query(url: str, statement: str) -> object:
    """Return the first column of the first row of a statement, if it has any.

    Args:
        url: SQLAlchemy URL of a database.
        statement: The statement.
    """
    place = make_url(url)
    arguments = place.get_dialect()().create_connect_args(place)[1]
    with psycopg.connect(**arguments, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def _back_up(primary: embedded.Server, copy: Path) -> None:
    place = make_url(primary.url).query
    done = subprocess.run(
        (
            primary.bin_directory / "pg_basebackup",
            f"--host={place['host']}",
            f"--port={place['port']}",
            "--username=postgres",
            f"--pgdata={copy}",
            "--checkpoint=fast",
            "--no-sync",
            "--write-recovery-conf",
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for leftover in copy.glob(".s.PGSQL.*"):
        leftover.unlink()  # the primary's, whose socket is among its data
    # Where root runs the tests, the servers run as another account.
    owner = primary.data_directory.stat()
    for path in (copy.parent, copy, *copy.rglob("*")):
        shutil.chown(path, owner.st_uid, owner.st_gid)
