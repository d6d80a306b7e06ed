"""A pooler in transaction mode is refused, and connections are used sparingly."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import Engine, NullPool, create_engine, make_url, text

from tests.migrations.chain import revision_of
from tests.session.pgbouncer import PROGRAM, pgbouncer
from tests.support.applications import SmallApplication
from townhall.migrate import alembic_config, upgrade

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

needs_pgbouncer = pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed")


def _engine(url: Any) -> Engine:  # noqa: ANN401 - text or URL
    return create_engine(url, poolclass=NullPool)


def _left_behind(url: str) -> tuple[int, int]:
    """Return how many advisory locks and tables there are."""
    with _engine(url).connect() as connection:
        locks = connection.scalar(
            text(
                """
                select count(*) from pg_locks where locktype = 'advisory' and database = (
                    select oid from pg_database where datname = current_database()
                )
                """
            )
        )
        tables = connection.scalar(
            text("select count(*) from pg_tables where schemaname = 'public'")
        )
        return locks or 0, tables or 0


@needs_pgbouncer
@pytest.mark.parametrize(
    ("pool_size", "mode", "round_robin"),
    [
        (1, "transaction", False),
        (2, "transaction", True),
        (3, "transaction", False),
        (3, "transaction", True),
        (2, "statement", False),
    ],
)
def test_pooler_that_changes_connections_is_refused(
    pool_size: int, mode: str, *, round_robin: bool, empty_database: str
) -> None:
    server = make_url(empty_database)
    with pgbouncer(server, pool_size, mode=mode, round_robin=round_robin) as url:
        with pytest.raises(CommandError, match="5432 instead of 6543"):
            upgrade(url)
        assert _left_behind(empty_database) == (0, 0)


@needs_pgbouncer
def test_passed_connection_through_a_pooler_is_refused(empty_database: str) -> None:
    config = alembic_config()
    with pgbouncer(make_url(empty_database), 2) as url, _engine(url).connect() as connection:
        config.attributes["connection"] = connection
        with pytest.raises(CommandError, match="pooler in transaction"):
            command.upgrade(config, "head")
    assert _left_behind(empty_database) == (0, 0)


@needs_pgbouncer
def test_pooler_in_session_mode_is_allowed(empty_database: str) -> None:
    with pgbouncer(make_url(empty_database), 3, mode="session") as url:
        upgrade(url, "townhall_0001")
    assert revision_of(empty_database) == "townhall_0001"


@pytest.mark.thorough
@needs_pgbouncer
@pytest.mark.parametrize("run", [command.check, command.current, command.history])
def test_comparison_through_a_pooler_leaves_no_lock(
    run: Callable[..., None], townhall_database: str
) -> None:
    locks, tables = _left_behind(townhall_database)
    assert locks == 0
    with pgbouncer(make_url(townhall_database), 1) as url:
        run(alembic_config(url))
        assert _left_behind(townhall_database) == (0, tables)


@pytest.mark.thorough
@needs_pgbouncer
def test_no_command_leaves_its_search_path_in_a_pool(empty_database: str) -> None:
    with _engine(empty_database).connect() as connection:
        connection.execute(
            text("do $$ begin execute format('create schema %I', current_user); end $$")
        )
        connection.commit()
    upgrade(empty_database, "townhall_0001")
    with pgbouncer(make_url(empty_database), 1) as url:
        for run in (command.current, command.check, partial(command.upgrade, revision="head")):
            with suppress(CommandError):  # the database is not at head, and a pool is refused
                run(alembic_config(url))
            with _engine(url).connect() as connection:
                assert connection.scalar(text("show search_path")) == '"$user", public'


@pytest.fixture
def single(empty_database: str) -> Iterator[str]:
    """Yield the database as its owner, a role that may have one connection."""
    role = f"single_{uuid4().hex[:8]}"
    database = make_url(empty_database).database
    with _engine(empty_database).connect() as connection:
        connection.execute(text(f"create role {role} login createrole connection limit 1"))
        connection.execute(text(f'alter database "{database}" owner to {role}'))
        connection.commit()
        yield make_url(empty_database).set(username=role).render_as_string(hide_password=False)
        connection.execute(text(f"reassign owned by {role} to current_user"))
        connection.execute(text(f"drop owned by {role}"))
        connection.execute(text(f"drop role {role}"))
        connection.commit()


def test_upgrade_with_one_free_connection_says_so(single: str) -> None:
    with pytest.raises(CommandError) as error:
        upgrade(single)
    assert str(error.value).startswith("a migration needs two connections")
    assert "nothing was changed" in str(error.value)
    assert "too many connections for role" in str(error.value)


def test_commands_that_change_nothing_need_one_connection(single: str, tmp_path: Path) -> None:
    application = SmallApplication(tmp_path, single, single)
    application.declare('Table("things", metadata, Column("id", Integer, primary_key=True))')
    command.current(application.config)
    command.history(application.config, indicate_current=True)
    assert application.differences()


def test_passed_connection_migrates_without_a_second_one_and_a_warning_says_so(
    single: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    application = SmallApplication(tmp_path, single, single)
    application.declare("")
    command.revision(application.config, "nothing", rev_id="small_0001")
    config = application.config
    with _engine(single).connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    assert "there is no second connection" in caplog.text
    assert revision_of(single) == "small_0001"
