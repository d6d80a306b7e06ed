"""Concurrent migrations, lock timeouts, and a killed migration."""

from __future__ import annotations

from argparse import Namespace
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, NullPool, create_engine, text

from tests.migrations.chain import HEAD, revision_of
from tests.support.alembic import alembic, start_alembic
from tests.support.dump import dump
from tests.support.waiting import wait_for_migrations
from townhall.migrate import alembic_config, upgrade
from townhall.migrate.guard.locks import migration_lock

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

BEFORE = "townhall_0007"
AFTER = "townhall_0008"
"""A revision that changes a table of those before it."""
ITS_TABLE = "public.participants"

_TIMEOUT = 60  # seconds


def _engine(url: str) -> Engine:
    return create_engine(url, poolclass=NullPool)


@pytest.fixture
def started(owned_database: str) -> str:
    upgrade(owned_database, BEFORE)
    return owned_database


@contextmanager
def _using(url: str) -> Iterator[Connection]:
    """Read the table in a transaction that stays open."""
    with _engine(url).connect() as connection:
        connection.execute(text(f"lock table {ITS_TABLE} in access share mode"))
        yield connection


def _output(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=_TIMEOUT)
    assert process.returncode == 0, output
    return output


@pytest.mark.exhaustive
def test_second_of_two_concurrent_upgrades_waits_and_runs_nothing(empty_database: str) -> None:
    with _engine(empty_database).connect() as connection:
        with migration_lock(connection):
            both = [start_alembic("upgrade", "head", url=empty_database) for _ in range(2)]
            for process in both:
                assert process.stdout is not None
                while "Waiting for another migration" not in process.stdout.readline():
                    assert process.poll() is None
        outputs = sorted((_output(process) for process in both), key=len)
    assert "Running upgrade" not in outputs[0]
    assert outputs[1].count("Running upgrade") == int(HEAD[-4:])
    assert revision_of(empty_database) == HEAD


@pytest.mark.exhaustive
def test_current_does_not_wait_for_a_migration(townhall_database: str) -> None:
    with _engine(townhall_database).connect() as connection, migration_lock(connection):
        assert alembic("current", url=townhall_database).stdout == f"{HEAD} (head)\n"


@pytest.mark.exhaustive
def test_upgrade_gives_up_after_the_lock_timeout_and_changes_nothing(started: str) -> None:
    before = dump(started)
    with _using(started):
        given_up = alembic(
            *("-x", "lock_timeout=100ms", "upgrade", AFTER), url=started, check=False
        )
        assert given_up.returncode != 0
        assert (
            "FAILED: gave up waiting for a lock after 100ms, at: lock table public.participants"
            in (given_up.stdout + given_up.stderr)
        )
        assert "Traceback" not in given_up.stderr
        assert dump(started) == before
        assert revision_of(started) == BEFORE
    upgrade(started)


@pytest.mark.exhaustive
def test_revisions_before_a_lock_timeout_are_kept(empty_database: str) -> None:
    upgrade(empty_database, "townhall_0004")
    with _using(empty_database):
        config = alembic_config(empty_database)
        config.cmd_opts = Namespace(x=["lock_timeout=100ms"])
        with pytest.raises(CommandError, match="gave up waiting for a lock after 100ms"):
            command.upgrade(config, "head")
        assert revision_of(empty_database) == BEFORE


@pytest.mark.thorough
def test_killed_upgrade_leaves_the_database_at_a_revision(
    started: str, townhall_template: str, townhall_server: str
) -> None:
    with _using(started) as application, _engine(townhall_server).connect() as watch:
        process = start_alembic("-x", "lock_timeout=0", "upgrade", "head", url=started)
        wait_for_migrations(watch, 1, started, event="Lock")
        process.kill()
        process.communicate()
        application.rollback()
        wait_for_migrations(watch, 0, started)
        assert revision_of(started) == BEFORE
    upgrade(started)
    assert dump(started) == dump(townhall_template)
