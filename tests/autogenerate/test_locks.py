"""The comparison changes nothing, and blocks other sessions only for its short lock timeout."""

from __future__ import annotations

import threading
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from tests.autogenerate.conftest import configured, generate
from tests.support.dump import dump
from tests.support.supabase import EITHER_DEFAULT, DefaultPrivileges, supabase_database
from townhall import migrate
from townhall.testing.databases import Databases


@pytest.fixture
def config(townhall_database: str, tmp_path: Path) -> Config:
    config = configured(townhall_database, tmp_path)
    config.cmd_opts = Namespace(x=["lock_timeout=200ms"])
    return config


@pytest.fixture
def busy(townhall_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(townhall_database.replace("+psycopg", "")) as connection:
        yield connection


@pytest.mark.exhaustive
def test_comparison_changes_nothing(townhall_database: str, config: Config, tmp_path: Path) -> None:
    with psycopg.connect(townhall_database.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("drop view public.track_statistics")
        connection.execute("create table public.stray (id integer)")
    before = dump(townhall_database)
    generate(config, tmp_path)
    assert dump(townhall_database) == before


@pytest.mark.exhaustive
def test_comparison_of_a_locked_table_gives_up(config: Config, busy: psycopg.Connection) -> None:
    busy.execute("lock table public.events in access share mode")
    with pytest.raises(CommandError, match="lock"):
        command.check(config)
    busy.rollback()
    command.check(config)


@pytest.mark.exhaustive
def test_comparison_that_waits_does_not_block_readers_and_writers(
    townhall_database: str, config: Config, busy: psycopg.Connection
) -> None:
    url = townhall_database.replace("+psycopg", "")
    done, failures = threading.Event(), list[Exception]()

    def work() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("set statement_timeout = '30s'")
            while not done.is_set():
                try:
                    connection.execute("select count(*) from public.events")
                    connection.execute(
                        "insert into public.organizations (name, slug) "
                        "values ('x', gen_random_uuid()::text)"
                    )
                except psycopg.Error as error:
                    failures.append(error)
                    return

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    busy.execute("select * from public.participants")  # a reader whose transaction stays open
    with pytest.raises(CommandError, match="lock"):
        command.check(config)
    busy.rollback()
    command.check(config)
    done.set()
    for worker in workers:
        worker.join()
    assert failures == []


@pytest.mark.exhaustive
def test_comparison_that_waits_blocks_other_sessions_only_for_the_lock_timeout(
    townhall_database: str, busy: psycopg.Connection, tmp_path: Path
) -> None:
    url = townhall_database.replace("+psycopg", "")
    done, waits = threading.Event(), list[float]()

    def read() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not done.is_set():
                start = time.monotonic()
                connection.execute("select count(*) from public.events")
                waits.append(time.monotonic() - start)

    busy.execute("select * from public.events")  # a reader whose transaction stays open
    reader = threading.Thread(target=read)
    reader.start()
    start = time.monotonic()
    with pytest.raises(CommandError) as refused:
        command.check(configured(townhall_database, tmp_path))
    assert time.monotonic() - start < 30
    done.set()
    reader.join()
    assert max(waits) < 4  # the lock timeout of revisions is 5 s
    message = str(refused.value)
    assert "nothing was changed" in message
    assert f"Blocked by: public.events, server process {busy.info.backend_pid}" in message


@pytest.mark.thorough
def test_comparison_is_retried_and_succeeds_once_the_lock_is_released(
    townhall_database: str, busy: psycopg.Connection, tmp_path: Path
) -> None:
    busy.execute("select * from public.events")
    soon = threading.Timer(0.5, busy.rollback)
    soon.start()
    command.check(configured(townhall_database, tmp_path))
    soon.join()


@pytest.mark.exhaustive
@pytest.mark.parametrize("privileges", EITHER_DEFAULT)
def test_owner_without_superuser_can_compare_and_repair(
    townhall_databases: Databases, privileges: DefaultPrivileges, tmp_path: Path
) -> None:
    with supabase_database(townhall_databases, privileges) as database:
        migrate.upgrade(database.postgres)
        config = configured(database.postgres, tmp_path)
        command.check(config)
        with psycopg.connect(database.postgres.replace("+psycopg", "")) as connection:
            connection.execute("grant select on public.profiles to anon")
        generate(config, tmp_path)
        command.upgrade(config, "heads")
        command.check(config)
