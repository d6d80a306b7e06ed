"""What a migration waits for, for how long, and what it says of who is in its way."""

from __future__ import annotations

import logging
import time
from argparse import Namespace
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import Connection, NullPool, create_engine, make_url, text

from tests.migrations.chain import sql_script
from tests.support.applications import SmallApplication
from tests.support.blocked import wait_for_a_lock
from townhall.migrate.guard import give_ups, watch
from townhall.migrate.guard.locks import migration_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from alembic.config import Config
    from sqlalchemy import Engine

REVISION = """
from alembic import op

from townhall.migrate import safety

revision = "things_1"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    {upgrade}


def downgrade():
    {downgrade}
"""
INDEX = 'safety.create_index("ix_things_thing", "things", "(thing)")'
CHECK = 'safety.add_constraint("things", "positive", "check (id > 0)")'
COLUMN = 'op.execute("alter table public.things add column more int")'


class Things(SmallApplication):
    """An application with a table of five things, and a revision that is tried."""

    def revision(self, upgrade: str, downgrade: str = "pass") -> Config:
        """Write the revision, and return a configuration with a short lock timeout."""
        self.declare("")
        source = REVISION.format(upgrade=upgrade, downgrade=downgrade)
        (self.folder / "versions" / "things_1.py").write_text(source)
        config = self.config
        config.cmd_opts = Namespace(x=["lock_timeout=200ms"])
        return config

    @property
    def as_superuser(self) -> Engine:
        """An engine as the role that logs in, which sees every session."""
        url = make_url(self.url).difference_update_query(["options"])
        return create_engine(url, poolclass=NullPool)


@pytest.fixture
def things(owned_database: str, tmp_path: Path) -> Things:
    with create_engine(owned_database, poolclass=NullPool).begin() as connection:
        connection.execute(text("create table things (id int primary key, thing int)"))
        connection.execute(text("create table others (id int primary key)"))
        connection.execute(text("insert into things select n, n from generate_series(1, 5) as n"))
    return Things(tmp_path, owned_database, owned_database)


@pytest.fixture
def engine(things: Things) -> Engine:
    return create_engine(
        things.url, poolclass=NullPool, connect_args={"application_name": "the report"}
    )


@contextmanager
def _open(engine: Engine, *statements: str) -> Iterator[Connection]:
    """Run statements in a transaction that stays open."""
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
        yield connection


def _value(engine: Engine, query: str) -> Any:  # noqa: ANN401 - of any type
    with engine.connect() as connection:
        return connection.scalar(text(query))


def _process(connection: Connection) -> int:
    process: int = connection.connection.driver_connection.info.backend_pid  # type: ignore[union-attr] # psycopg's
    return process


STEPS_THAT_HOLD_NOBODY_UP = {
    "index": (INDEX, "select * from others"),
    "validation": (CHECK, "lock table things in share update exclusive mode"),
    "dropped index": ('safety.drop_index("ix_things_id")', "select * from things"),
}


@pytest.mark.thorough
@pytest.mark.parametrize("step", STEPS_THAT_HOLD_NOBODY_UP)
def test_step_that_holds_nobody_up_waits_longer_than_the_lock_timeout(
    step: str, things: Things, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(text("create index ix_things_id on things (id)"))
        connection.execute(
            text("alter table things add constraint positive check (id > 0) not valid")
        )
    upgrade, other = STEPS_THAT_HOLD_NOBODY_UP[step]
    config = things.revision(upgrade)
    snapshot = engine.execution_options(isolation_level="REPEATABLE READ")
    with ThreadPoolExecutor() as pool, _open(snapshot, other) as connection:
        upgrading = pool.submit(command.upgrade, config, "head")
        wait_for_a_lock(things.as_superuser)
        time.sleep(0.5)
        assert not upgrading.done()
        connection.rollback()
        upgrading.result(timeout=60)


@pytest.mark.exhaustive
def test_session_in_the_way_of_an_index_is_told_before_and_while_it_waits(
    things: Things,
    engine: Engine,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "_FIRST_MESSAGE", 0.3)
    config = things.revision(INDEX)
    snapshot = engine.execution_options(isolation_level="REPEATABLE READ")
    with ThreadPoolExecutor() as pool, _open(snapshot, "select * from others") as connection:
        time.sleep(1.1)
        upgrading = pool.submit(command.upgrade, config, "head")
        wait_for_a_lock(things.as_superuser)
        time.sleep(1)
        name = f"server process {_process(connection)} (role "
        connection.rollback()
        upgrading.result(timeout=60)
    before, *during = [each for each in caplog.messages if name in each]
    assert before.startswith("The next step on public.things waits for the end of: server process")
    assert "application the report" in before
    assert during[0].startswith("Waiting since ")
    assert "at: create index concurrently" in during[0]


def test_invalid_index_of_an_interrupted_build_is_built_again_and_told(
    things: Things, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    config = things.revision(INDEX)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("insert into things values (6, 1)"))
        with pytest.raises(Exception, match="could not create unique index"):
            connection.execute(
                text("create unique index concurrently ix_things_thing on things (thing)")
            )
    caplog.set_level(logging.WARNING)
    command.upgrade(config, "head")
    assert "The index public.ix_things_thing is invalid" in caplog.text
    assert _value(engine, "select bool_and(indisvalid) from pg_index where indisunique is false")


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("upgrade", "statement"),
    [
        (COLUMN, "alter table public.things add column more int"),
        (CHECK, "alter table public.things add constraint positive check (id > 0) not valid"),
        (
            'safety.rename_table("things", "stuff")',
            "alter table public.things rename to stuff",
        ),
    ],
)
def test_give_up_names_statement_table_and_holder(
    upgrade: str, statement: str, things: Things, engine: Engine
) -> None:
    config = things.revision(upgrade)
    with _open(engine, "select 1 from things") as connection:
        process = _process(connection)
        with pytest.raises(CommandError) as error:
            command.upgrade(config, "head")
    message = str(error.value)
    assert message.startswith(f"gave up waiting for a lock after 200ms, at: {statement}. Table: ")
    assert f"Table: public.things. Blocked by: server process {process} " in message
    assert "(role postgres, application the report)" in message
    assert "\n" not in message


@pytest.mark.thorough
def test_give_up_names_a_holder_that_has_ended_since(
    things: Things, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(give_ups, "_holders", lambda *_: "unknown")
    config = things.revision(COLUMN)
    with _open(engine, "select 1 from things") as connection:
        process = _process(connection)
        with pytest.raises(CommandError, match=rf"Blocked by: server process {process} "):
            command.upgrade(config, "head")


@pytest.mark.thorough
def test_give_up_says_since_when_and_what_the_holder_runs(things: Things, engine: Engine) -> None:
    config = things.revision(COLUMN)
    # As the role that logged in, which sees its own sessions.
    config.attributes["url"] = things.as_superuser.url.render_as_string(hide_password=False)
    with (
        _open(engine, "select 1 from things"),
        pytest.raises(
            CommandError,
            match=r"in a transaction since \d{4}-.* s\), idle after: select 1 from things",
        ),
    ):
        command.upgrade(config, "head")


@pytest.mark.thorough
def test_give_up_says_where_the_role_may_not_see_what_the_holder_runs(
    things: Things, engine: Engine
) -> None:
    config = things.revision(COLUMN)
    with (
        _open(engine, "select 1 from things"),
        pytest.raises(
            CommandError, match=r"what it runs is hidden from the role \w+, which pg_read_all_stats"
        ),
    ):
        command.upgrade(config, "head")


@pytest.mark.thorough
def test_deadlock_names_statement_table_and_holder(things: Things) -> None:
    config = things.revision(
        'op.execute("alter table public.things add column more int");'
        ' op.execute("alter table public.others add column more int")'
    )
    config.cmd_opts = Namespace(x=["lock_timeout=30s"])
    superuser = things.as_superuser
    with ThreadPoolExecutor() as pool, superuser.connect() as connection:
        process = _process(connection)
        connection.execute(text("set deadlock_timeout = '1min'"))
        connection.execute(text("select 1 from others"))
        upgrading = pool.submit(command.upgrade, config, "head")
        wait_for_a_lock(things.as_superuser)
        connection.execute(text("select 1 from things"))
        error = upgrading.exception(timeout=60)
    assert isinstance(error, CommandError)
    message = str(error)
    assert message.startswith("gave up in a deadlock with another session, at: alter table")
    assert f"Table: public.others. Blocked by: server process {process} " in message


@pytest.mark.thorough
def test_waiting_for_another_migration_says_who_runs_it(
    things: Things, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    config = things.revision(COLUMN)
    with ThreadPoolExecutor() as pool, engine.connect() as connection:
        with migration_lock(connection):
            upgrading = pool.submit(command.upgrade, config, "head")
            while "Waiting for another migration of this database" not in caplog.text:
                assert not upgrading.done()
                time.sleep(0.05)
            assert f"server process {_process(connection)} (role postgres, app" in caplog.text
        upgrading.result(timeout=60)


LIMITS = ("statement_timeout", "idle_in_transaction_session_timeout", "transaction_timeout")


@pytest.fixture
def limited(things: Things, empty_database: str) -> Things:
    """Give the sessions of the database the limits of a role for requests."""
    del empty_database
    url = make_url(things.url)
    with create_engine(things.url, poolclass=NullPool).begin() as connection:
        for name in ("lock_timeout", *LIMITS):
            if connection.scalar(text("select current_setting(:name, true)"), {"name": name}):
                connection.execute(text(f'alter database "{url.database}" set {name} = 300'))
    return things


SLOW = 'op.execute("select pg_sleep(0.7)"); import time; time.sleep(0.7)'


@pytest.mark.exhaustive
def test_limits_of_a_role_do_not_apply_to_a_migration(limited: Things) -> None:
    config = limited.revision(SLOW)
    engine = create_engine(limited.url, poolclass=NullPool)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        for name in ("lock_timeout", *LIMITS):
            assert connection.scalar(text(f"show {name}")) == "300ms"


@pytest.mark.exhaustive
def test_limits_of_a_role_do_not_apply_to_a_script(limited: Things) -> None:
    script = sql_script(command.upgrade, "townhall_0001:townhall_0002")
    before, _, _ = script.partition("BEGIN;")
    _, _, after = script.rpartition("COMMIT;")
    engine = create_engine(limited.url, poolclass=NullPool)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for part in (before, "select pg_sleep(0.7)", after):
            connection.exec_driver_sql(part, execution_options={"no_parameters": True})
        for name in ("lock_timeout", *LIMITS):
            assert connection.scalar(text(f"show {name}")) == "300ms"
