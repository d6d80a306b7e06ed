"""An application's ``env.py`` runs the revisions in the scratch database, and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.check.test_check import connected, execute, scratch_databases_on
from townhall.check import CheckError, check

_INI = """
[alembic]
script_location = %(here)s/migrations
sqlalchemy.url = postgresql://localhost/unused
"""
_REVISION = """
from alembic import op

revision = "shop_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    op.execute("create table public.products (id int primary key)")
    op.execute("alter table public.products enable row level security")


def downgrade():
    op.execute("drop table public.products")
"""
_MADE_IN_SCRATCH = "no revision made its tables public.products, which are declared"
_OURS = """
import os
from pathlib import Path

from sqlalchemy import Column, Integer, MetaData, Table
from townhall import migrate

Path(__file__).with_name("database_url").write_text(os.environ["DATABASE_URL"])
metadata = MetaData()
Table("products", metadata, Column("id", Integer, primary_key=True))
migrate.run(product=False, metadata=[metadata])
"""
_PLAIN = """
import os

from alembic import context
from sqlalchemy import MetaData, NullPool, create_engine

engine = create_engine({url}, poolclass=NullPool{options})
with engine.{connect}() as connection:
    context.configure({arguments}, target_metadata=MetaData())
    with context.begin_transaction():
        context.run_migrations()
"""
_FROM_CONFIGURATION = 'context.config.get_main_option("sqlalchemy.url")'
_FROM_ENVIRONMENT = 'os.environ["DATABASE_URL"]'

Application = Callable[[str], Path]


@pytest.fixture
def application(tmp_path: Path) -> Application:
    """Return a function that writes an application with an ``env.py``, and returns its ini file."""

    def application(env: str) -> Path:
        versions = tmp_path / "migrations" / "versions"
        versions.mkdir(parents=True)
        (versions / "shop_0001.py").write_text(_REVISION)
        (versions.parent / "env.py").write_text(env)
        ini = tmp_path / "alembic.ini"
        ini.write_text(_INI)
        return ini

    return application


@pytest.fixture
def checked(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of an empty database, which ``DATABASE_URL`` names as well."""
    monkeypatch.setenv("DATABASE_URL", empty_database)
    return empty_database


def tables_of(url: str) -> list[str]:
    with connected(url) as connection:
        rows = connection.execute(
            "select tablename from pg_catalog.pg_tables where schemaname = 'public'"
        ).fetchall()
    return [name for (name,) in rows]


def plain_env(
    url: str,
    *,
    options: str = "",
    connect: str = "connect",
    arguments: str = "connection=connection",
) -> str:
    return _PLAIN.format(url=url, options=options, connect=connect, arguments=arguments)


@pytest.mark.thorough
def test_process_environment_is_not_changed(
    checked: str, townhall_server: str, application: Application
) -> None:
    before = dict(os.environ)
    ini = application(_OURS)
    execute(checked, "create table public.products (id int)")
    report = check(checked, config=ini, scratch=townhall_server)
    assert [finding.impact for finding in report.findings] == [_MADE_IN_SCRATCH]
    assert (ini.parent / "migrations" / "database_url").read_text() == checked
    assert dict(os.environ) == before
    assert tables_of(checked) == ["products"]


@pytest.mark.thorough
@pytest.mark.parametrize("arguments", ["connection=connection", 'connection, None, "postgresql"'])
def test_plain_env_with_the_configured_url_runs_in_the_scratch_database(
    arguments: str, checked: str, townhall_server: str, application: Application
) -> None:
    env = plain_env(_FROM_CONFIGURATION, arguments=arguments)
    execute(checked, "create table public.products (id int)")
    report = check(checked, config=application(env), scratch=townhall_server)
    assert [finding.impact for finding in report.findings] == [_MADE_IN_SCRATCH]
    assert tables_of(checked) == ["products"]


@pytest.mark.parametrize("options", ["", ', isolation_level="AUTOCOMMIT"'])
@pytest.mark.parametrize("connect", ["connect", "begin"])
def test_env_that_connects_to_the_checked_database_is_refused(
    connect: str, options: str, checked: str, townhall_server: str, application: Application
) -> None:
    env = plain_env(_FROM_ENVIRONMENT, options=options, connect=connect)
    with pytest.raises(CheckError, match=r"env\.py connects to the database townhall_.* instead"):
        check(checked, config=application(env), scratch=townhall_server)
    assert tables_of(checked) == []
    assert scratch_databases_on(townhall_server) == set()


def test_refusal_of_an_env_that_ran_statements_of_its_own_says_only_what_is_known(
    checked: str, townhall_server: str, application: Application
) -> None:
    env = plain_env(_FROM_ENVIRONMENT).replace(
        "    context.configure(",
        '    connection.exec_driver_sql("create table public.early (id int)")\n'
        "    connection.commit()\n"
        "    context.configure(",
    )
    with pytest.raises(CheckError, match="the check ran no revision there") as refusal:
        check(checked, config=application(env), scratch=townhall_server)
    assert "nothing was changed" not in str(refusal.value)
    assert tables_of(checked) == ["early"]
