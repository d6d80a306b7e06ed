"""The script that ``--sql`` writes, run by psql or an editor, gives the same result."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest
from alembic import command
from sqlalchemy import NullPool, create_engine, make_url

from tests.migrations.chain import HEAD, REVISIONS, revision_of, sql_script
from tests.support.alembic import alembic
from tests.support.dump import dump
from tests.support.privileges import declared_privileges, effective_privileges
from tests.support.supabase import DefaultPrivileges, supabase_database
from townhall import embedded
from townhall.migrate import alembic_config, downgrade, upgrade

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from townhall.testing.databases import Databases

MIDDLE = "townhall_0008"


@pytest.fixture(scope="module")
def script() -> str:
    """Return the script of the whole chain, as the command line writes it."""
    return alembic("upgrade", "head", "--sql").stdout


def _psql(url: str, script: str) -> None:
    """Run a script with psql."""
    libpq_url = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    program = str(embedded.bin_directory(18) / "psql")
    done = subprocess.run(  # noqa: S603  a program of PostgreSQL, found by ourselves
        (program, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", libpq_url),
        input=script,
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def _editor(url: str, script: str) -> None:
    """Run a script as an SQL editor does, which sends all of it at once."""
    arguments = make_url(url).get_dialect()().create_connect_args(make_url(url))[1]
    with psycopg.connect(**arguments, autocommit=True) as connection:
        before = _settings(connection)
        connection.execute(script)
        assert _settings(connection) == before


def _settings(connection: psycopg.Connection) -> list[tuple[str, str]]:
    return connection.execute(
        "select name, setting from pg_settings where source = 'session' order by name"
    ).fetchall()


@contextmanager
def _migrated(server: Databases, revision: str) -> Iterator[str]:
    with server.create() as url:
        upgrade(url, revision)
        yield url


@pytest.mark.exhaustive
def test_script_gives_the_schema_of_the_upgrade(script: str, server: Databases) -> None:
    with server.create() as piped, server.create() as sent, _migrated(server, "head") as migrated:
        _psql(piped, script)
        _editor(sent, script)
        assert dump(piped) == dump(sent) == dump(migrated)
        command.check(alembic_config(piped))


@pytest.mark.thorough
@pytest.mark.parametrize("default_privileges", DefaultPrivileges)
def test_script_runs_in_the_sql_editor_of_supabase(
    default_privileges: DefaultPrivileges, script: str, townhall_databases: Databases
) -> None:
    with supabase_database(townhall_databases, default_privileges) as database:
        _editor(database.postgres, script)
        with create_engine(database.superuser, poolclass=NullPool).begin() as connection:
            assert effective_privileges(connection) == declared_privileges()


@pytest.mark.exhaustive
def test_script_of_a_range_upgrades_from_its_first_revision(townhall_databases: Databases) -> None:
    with (
        _migrated(townhall_databases, MIDDLE) as url,
        _migrated(townhall_databases, "head") as at_head,
    ):
        _psql(url, sql_script(command.upgrade, f"{MIDDLE}:head"))
        assert dump(url) == dump(at_head)


@pytest.mark.exhaustive
@pytest.mark.parametrize("run", [_psql, _editor])
def test_script_of_a_downgrade_gives_the_earlier_schema(
    run: Callable[[str, str], None], townhall_databases: Databases
) -> None:
    with (
        _migrated(townhall_databases, "head") as url,
        _migrated(townhall_databases, MIDDLE) as at_middle,
    ):
        run(url, sql_script(command.downgrade, f"{HEAD}:{MIDDLE}"))
        assert dump(url) == dump(at_middle)
        downgrade(at_middle, "base")
        run(url, sql_script(command.downgrade, f"{MIDDLE}:base"))
        for database in (url, at_middle):  # older versions of Alembic drop it in a script alone
            _editor(database, "drop table if exists public.alembic_version")
        assert dump(url) == dump(at_middle)


@pytest.mark.thorough
def test_script_has_one_transaction_per_revision(script: str) -> None:
    transactions = script.split("\nBEGIN;\n")[1:]
    assert script.count("\nCOMMIT;\n") == len(transactions)
    versions = [
        t for t in transactions if "alembic_version SET" in t or "INTO alembic_version" in t
    ]
    assert len(versions) == len(REVISIONS)


@pytest.mark.thorough
def test_script_of_a_stamp_creates_a_protected_version_table(empty_database: str) -> None:
    _psql(empty_database, sql_script(command.stamp, "base:head"))
    assert revision_of(empty_database) == HEAD
    assert "ENABLE ROW LEVEL SECURITY" in dump(empty_database)


@pytest.mark.thorough
def test_script_is_written_without_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me@127.0.0.1:9/nowhere")
    assert MIDDLE in sql_script(command.upgrade, "head")
