"""What a stranger has put into ``public`` does not run with the rights of a role that has more."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from tests.migrations.chain import sql_script
from tests.support.traps import CLOSE, called_functions, is_sprung, set_traps
from townhall import SessionFactory, migrate
from townhall.check.connection import reading
from townhall.cli import main
from townhall.migrate.urls import psycopg_url
from townhall.pull.source import read_source
from townhall.session import ActorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from alembic.config import Config
    from sqlalchemy import Connection, Engine

    from townhall.testing.databases import Databases

COMMANDS: dict[str, Callable[[Config], object]] = {
    "upgrade": lambda config: command.upgrade(config, "heads"),
    "downgrade": lambda config: command.downgrade(config, "base"),
    "stamp": lambda config: command.stamp(config, "heads"),
    "check": command.check,
    "revision": lambda config: command.revision(config, "more", autogenerate=True),
    "current": command.current,
}


@pytest.fixture(scope="module")
def trapped(townhall_databases: Databases, townhall_template: str) -> Iterator[str]:
    """Yield the URL of a database at head with traps, where everybody may create in public."""
    with townhall_databases.create(townhall_template) as url:
        set_traps(url)
        yield url
        assert not is_sprung(url)


@pytest.fixture(scope="module")
def closed(townhall_databases: Databases, trapped: str) -> Iterator[str]:
    """Yield such a one in which nobody else may create any more."""
    with townhall_databases.create(trapped) as url:
        run(url, CLOSE)
        yield url
        assert not is_sprung(url)


def engine_of(url: str) -> Engine:
    return create_engine(url, poolclass=NullPool, use_native_hstore=False)


def connected(url: str) -> Connection:
    return engine_of(url).connect()


def run(url: str, statement: str) -> None:
    with engine_of(url).begin() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize("name", COMMANDS)
def test_command_refuses_a_database_where_everybody_may_create(trapped: str, name: str) -> None:
    with pytest.raises(CommandError, match=CLOSE):
        COMMANDS[name](migrate.alembic_config(trapped))
    assert not is_sprung(trapped)


@pytest.mark.parametrize("name", COMMANDS)
def test_command_refuses_what_was_put_there_before(closed: str, name: str) -> None:
    with pytest.raises(
        CommandError, match=r"function public\..* of the role townhall_test_stranger"
    ):
        COMMANDS[name](migrate.alembic_config(closed))
    assert not is_sprung(closed)


@pytest.fixture
def creator(empty_database: str) -> Iterator[str]:
    """Yield the name of a login role that alone may create in public, and is a stranger."""
    name = f"creator_{uuid4().hex[:8]}"
    run(empty_database, f"create role {name} login; grant create on schema public to {name}")
    yield name
    run(empty_database, f"drop owned by {name}; drop role {name}")


def test_command_refuses_a_database_where_another_role_may_create(
    empty_database: str, creator: str
) -> None:
    closing = f"revoke create on schema public from {creator}"
    with pytest.raises(CommandError, match=closing):
        command.upgrade(migrate.alembic_config(empty_database), "heads")
    script = sql_script(command.upgrade, "townhall_0001:townhall_0002")
    before, _, _ = script.partition("BEGIN;")
    with (
        connected(empty_database).execution_options(isolation_level="AUTOCOMMIT") as connection,
        pytest.raises(DBAPIError, match=closing),
    ):
        connection.exec_driver_sql(before, execution_options={"no_parameters": True})


TRUSTED = {
    "a member of the owner": "grant {owner} to {creator}",
    "a role that nobody logs in with": "alter role {creator} nologin",
    "a superuser": "alter role {creator} superuser",
}


@pytest.mark.parametrize("trust", TRUSTED.values(), ids=list(TRUSTED))
def test_role_that_may_create_and_is_trusted_is_not_refused(
    empty_database: str, creator: str, trust: str
) -> None:
    with connected(empty_database) as connection:
        owner = connection.scalar(text("select current_user"))
    run(empty_database, trust.format(owner=owner, creator=creator))
    command.current(migrate.alembic_config(empty_database))


def test_service_is_not_refused_where_the_role_that_migrates_may_create(
    townhall_engine: Engine,
) -> None:
    creator = f"creator_{uuid4().hex[:8]}"
    with townhall_engine.connect() as connection:
        connection.execute(text(f"create role {creator} login"))
        connection.execute(text(f"grant create on schema public to {creator}"))
        with SessionFactory(connection).as_service() as session:
            assert session.scalar(text("select 1")) == 1


def test_connection_that_a_program_passes_is_refused_too(trapped: str) -> None:
    config = migrate.alembic_config()
    with connected(trapped) as connection:
        config.attributes["connection"] = connection
        with pytest.raises(CommandError, match=CLOSE):
            command.upgrade(config, "heads")


@pytest.mark.parametrize("way", ["trapped", "closed"])
def test_script_stops_before_it_calls_anything(way: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(way)
    script = sql_script(command.upgrade, "townhall_0001:townhall_0002")
    before, _, _ = script.partition("BEGIN;")
    expected = r"everybody may create|functions or operators of others"
    with (
        connected(url).execution_options(isolation_level="AUTOCOMMIT") as connection,
        pytest.raises(DBAPIError, match=expected),
    ):
        connection.exec_driver_sql(before, execution_options={"no_parameters": True})
    assert not is_sprung(url)


@pytest.mark.parametrize("way", ["trapped", "closed"])
def test_service_is_refused_and_callers_are_not(way: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(way)
    sessions = SessionFactory(engine_of(url))
    expected = "the service can't act on this database: "
    with pytest.raises(ActorError, match=expected), sessions.as_service() as session:
        session.scalar(text("select 1"))
    with sessions.as_anonymous() as session:
        assert session.scalar(text("select 1")) == 1
    assert not is_sprung(url)


def test_status_and_pull_call_nothing_of_the_stranger(trapped: str) -> None:
    assert main(["status", "--url", trapped]) == 0
    with reading(psycopg_url(trapped, "the URL")) as connection:
        assert read_source(connection, []).schemas
    assert not is_sprung(trapped)


@pytest.mark.exhaustive
def test_look_of_an_adoption_calls_nothing_of_the_stranger(
    trapped: str, townhall_server: str
) -> None:
    assert main(["adopt", "--url", trapped, "--scratch", townhall_server]) == 0
    assert not is_sprung(trapped)


def test_traps_run_where_nothing_is_refused(townhall_databases: Databases, trapped: str) -> None:
    with townhall_databases.create(trapped) as url:
        with connected(url) as connection:
            connection.execute(text("set search_path = public"))
            connection.execute(text("select 1 from pg_class where relname = 'a'::varchar limit 1"))
        assert is_sprung(url)


@pytest.mark.exhaustive
def test_check_calls_nothing_of_the_stranger(
    townhall_databases: Databases,
    townhall_template: str,
    townhall_server: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with townhall_databases.create(townhall_template) as url:
        # Each trap is a difference, whose repair is tried.
        set_traps(url, called_functions("check"))
        assert main(["check", "--url", url, "--scratch", townhall_server]) == 1
        assert "townhall_sprung" in capsys.readouterr().out
        assert not is_sprung(url)


@pytest.mark.thorough
def test_pull_calls_nothing_of_the_stranger(
    trapped: str, townhall_server: str, tmp_path: Path
) -> None:
    assert main(["pull", str(tmp_path), "--url", trapped, "--scratch", townhall_server]) == 0
    assert "townhall_sprung" in "".join(each.read_text() for each in tmp_path.rglob("*.py"))
    assert not is_sprung(trapped)
