"""A check of a hot standby, which is read-only."""
# ruff: noqa: S603 - the programs of the embedded PostgreSQL

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import make_url

from townhall import embedded, migrate
from townhall.check import check
from townhall.testing.servers import server_directory

_TIMEOUT = 30  # seconds until the standby has replayed what its primary wrote


class Pair(NamedTuple):
    """A server and its standby, by the URLs of the same database."""

    primary: str
    standby: str


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with server_directory() as directory, embedded.start(directory / "primary") as primary:
        directory.chmod(0o711)  # the standby's account looks for the primary's socket below it
        migrate.upgrade(primary.url)
        copy = directory / "standby" / primary.data_directory.name
        copy.parent.mkdir()
        _back_up(primary, copy)
        with embedded.start(copy.parent) as standby:
            yield Pair(primary.url, standby.url)


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
            "--write-recovery-conf",
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"there is no standby here: {done.stderr}")
    for leftover in copy.glob(".s.PGSQL.*"):
        leftover.unlink()  # the primary's, whose socket is among its data
    # Where root runs the tests, the servers run as another account.
    owner = primary.data_directory.stat()
    for path in (copy.parent, copy, *copy.rglob("*")):
        shutil.chown(path, owner.st_uid, owner.st_gid)


def _query(url: str, statement: str) -> object:
    place = make_url(url)
    arguments = place.get_dialect()().create_connect_args(place)[1]
    with psycopg.connect(**arguments, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchone()[0] if cursor.description else None  # type: ignore[index] # a row


@pytest.mark.exhaustive
def test_standby_is_checked_while_it_follows_its_primary(pair: Pair) -> None:
    assert _query(pair.standby, "select pg_is_in_recovery()") is True
    assert check(pair.standby, scratch=pair.primary, role="authenticated").is_good

    _query(pair.primary, "alter table public.events disable row level security")
    done = _query(pair.primary, "select pg_current_wal_lsn()::text")
    until = time.monotonic() + _TIMEOUT
    while not _query(pair.standby, f"select pg_last_wal_replay_lsn() >= '{done}'"):
        assert time.monotonic() < until
        time.sleep(0.05)

    report = check(pair.standby, scratch=pair.primary, role="authenticated")
    assert [finding.object for finding in report.findings] == ["table access public.events"]


@pytest.mark.exhaustive
def test_migration_of_a_standby_is_told_to_use_the_primary(pair: Pair) -> None:
    config = migrate.alembic_config(pair.standby)
    command.current(config)
    with pytest.raises(CommandError) as caught:
        command.downgrade(config, "base")
    message = str(caught.value)
    assert message.startswith("the database is read-only: cannot execute ")
    assert "Connect to the primary if this server is a standby" in message
