"""The pytest plugin, as an application uses it with migrations of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

_CONFTEST = """
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

@pytest.fixture(scope="session")
def townhall_migrate():
    def migrate(url):
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("create table public.greetings (body text)"))
        engine.dispose()
        with Path({log!r}).open("a") as log:
            log.write(url + "\\n")
    return migrate
"""

_HEAD = """
from sqlalchemy import create_engine, select, text
import pytest

def read(connection):
    return connection.scalars(text("select body from public.greetings")).all()

GREET = text("insert into public.greetings values ('hello')")
"""


@pytest.fixture
def application(
    pytester: pytest.Pytester, townhall_server: str, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """Return a project with its own migrations, whose tests run on our server."""
    monkeypatch.setenv("DATABASE_URL", townhall_server)
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makeconftest(_CONFTEST.format(log=str(pytester.path / "migrations.log")))
    return pytester


def _migrations(application: pytest.Pytester) -> list[str]:
    return (application.path / "migrations.log").read_text().splitlines()


@pytest.mark.thorough
def test_each_test_has_a_database_of_its_own_cloned_from_one_template(
    application: pytest.Pytester,
) -> None:
    application.makepyfile(
        _HEAD
        + """
@pytest.mark.parametrize("turn", ["first", "second"])
def test_engine(townhall_engine, turn):
    with townhall_engine.begin() as connection:
        connection.execute(GREET)
        assert read(connection) == ["hello"]

def test_url(townhall_database):
    engine = create_engine(townhall_database)
    with engine.connect() as connection:
        assert read(connection) == []
    engine.dispose()

def test_one_database(townhall_database, townhall_engine):
    assert townhall_engine.url.render_as_string(hide_password=False) == townhall_database
"""
    )
    application.runpytest_inprocess().assert_outcomes(passed=4)
    assert len(_migrations(application)) == 1


def test_transaction_is_rolled_back_after_the_test(application: pytest.Pytester) -> None:
    application.makepyfile(
        _HEAD
        + """
@pytest.mark.parametrize("turn", ["first", "second"])
def test_connection(townhall_connection, turn):
    assert read(townhall_connection) == []
    townhall_connection.execute(GREET)

@pytest.mark.parametrize("turn", ["first", "second"])
def test_committing_session(townhall_session, townhall_connection, turn):
    assert read(townhall_connection) == []
    townhall_session.execute(GREET)
    townhall_session.commit()
    townhall_session.execute(GREET)
    townhall_session.rollback()
    assert read(townhall_connection) == ["hello"]

def test_failed_transaction(townhall_connection):
    with pytest.raises(Exception, match="division by zero"):
        townhall_connection.execute(text("select 1 / 0"))

def test_rolled_back_by_the_test(townhall_connection):
    townhall_connection.execute(GREET)
    townhall_connection.rollback()
    assert read(townhall_connection) == []
"""
    )
    application.runpytest_inprocess().assert_outcomes(passed=6)


def test_commit_of_the_shared_connection_is_refused(application: pytest.Pytester) -> None:
    application.makepyfile(
        _HEAD
        + """
def test_commit(townhall_connection):
    townhall_connection.execute(GREET)
    with pytest.raises(RuntimeError, match="rolled back after the test and can't be committed"):
        townhall_connection.commit()

def test_afterwards(townhall_connection):
    assert read(townhall_connection) == []
"""
    )
    application.runpytest_inprocess().assert_outcomes(passed=2)


def test_async_engine_runs_statements(application: pytest.Pytester) -> None:
    application.makepyfile(
        _HEAD
        + """
@pytest.mark.asyncio
async def test_engine(townhall_async_engine):
    async with townhall_async_engine.begin() as connection:
        await connection.execute(GREET)
        assert await connection.run_sync(read) == ["hello"]
"""
    )
    application.runpytest_inprocess().assert_outcomes(passed=1)


@pytest.mark.exhaustive
def test_parallel_workers_share_a_server(application: pytest.Pytester) -> None:
    application.makepyfile(
        _HEAD
        + """
@pytest.mark.parametrize("turn", range(8))
def test_engine(townhall_engine, turn):
    with townhall_engine.begin() as connection:
        connection.execute(GREET)
        assert read(connection) == ["hello"]
"""
    )
    application.runpytest_subprocess("-n2").assert_outcomes(passed=8)
    assert len(_migrations(application)) == 2


@pytest.mark.exhaustive
def test_embedded_server_is_used_where_none_is_named(
    application: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    application.makepyfile(
        _HEAD
        + """
def test_connection(townhall_connection):
    settings = "select array[current_setting('fsync'), current_setting('synchronous_commit')]"
    assert townhall_connection.scalar(text(settings)) == ["off", "off"]
"""
    )
    application.runpytest_inprocess().assert_outcomes(passed=1)


@pytest.mark.thorough
@pytest.mark.parametrize("spelling", ["postgres", "postgresql"])
def test_database_url_accepts_both_schemes(
    application: pytest.Pytester,
    townhall_server: str,
    monkeypatch: pytest.MonkeyPatch,
    spelling: str,
) -> None:
    monkeypatch.setenv("DATABASE_URL", townhall_server.replace("postgresql+psycopg", spelling, 1))
    application.makepyfile("def test_engine(townhall_engine): townhall_engine.connect().close()")
    application.runpytest_inprocess().assert_outcomes(passed=1)


@pytest.mark.thorough
def test_importing_the_plugin_loads_nothing_that_only_fixtures_need() -> None:
    script = """
import sys, townhall.testing
print({"alembic", "psycopg", "pytest_postgresql", "townhall.embedded"} & set(sys.modules))
"""
    loaded = subprocess.run(  # noqa: S603  our own Python
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert loaded.stdout.strip() == "set()"
