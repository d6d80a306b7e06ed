"""No revision locks one table after another, in which it could deadlock with an application."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

from tests.migrations.chain import HEAD, REVISIONS
from tests.migrations.lock_order import locks_out_of_order
from tests.support.blocked import wait_for_a_lock
from townhall.base import Base
from townhall.migrate import alembic_config, safety, upgrade
from townhall.migrate.faults import statement_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

    from townhall.testing.databases import Databases


@pytest.mark.exhaustive
@pytest.mark.parametrize("direction", [command.upgrade, command.downgrade])
def test_no_revision_locks_one_table_after_another(
    direction: Callable[..., None], empty_database: str
) -> None:
    names = [script.revision for script in REVISIONS]
    steps = names[1:] if direction is command.upgrade else [*reversed(names[:-1]), "base"]
    upgrade(empty_database, names[0] if direction is command.upgrade else HEAD)
    assert _out_of_order(empty_database, direction, steps) == {}


@pytest.mark.exhaustive
def test_no_revision_locks_one_existing_table_after_another(empty_database: str) -> None:
    upgrade(empty_database, REVISIONS[0].revision)
    engine = create_engine(empty_database, poolclass=NullPool)
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
    names = [script.revision for script in REVISIONS]
    assert _out_of_order(empty_database, command.upgrade, names[1:]) == {}


def _out_of_order(
    url: str, direction: Callable[..., None], steps: list[str]
) -> dict[str, list[str]]:
    complaints = {}
    with create_engine(url, poolclass=NullPool).connect() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        for step in steps:
            with locks_out_of_order(connection) as found:
                direction(config, step)
            if found:
                complaints[step] = found
    return complaints


@pytest.fixture(scope="module")
def scratch(townhall_databases: Databases) -> Iterator[Engine]:
    with townhall_databases.create() as url:
        engine = create_engine(url, poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(text("create table parents (id int primary key)"))
            connection.execute(text("create table children (id int references parents)"))
            connection.execute(text("create view families as select id from children"))
        yield engine


@pytest.fixture
def connection(scratch: Engine) -> Iterator[Connection]:
    with scratch.connect() as connection:
        yield connection


@pytest.mark.parametrize(
    ("statements", "complaint"),
    [
        (
            "alter table parents add x int; alter table children add x int",
            "public.children by alter table children add x int",
        ),
        (
            "create table more (id int references parents); alter table parents add y int",
            "public.parents by alter table parents add y int",
        ),
        ("drop table children cascade", "public.children, public.families, public.parents by"),
    ],
)
def test_lock_after_another_is_found(
    statements: str, complaint: str, connection: Connection
) -> None:
    with locks_out_of_order(connection) as found:
        for statement in statements.split("; "):
            connection.execute(text(statement))
        connection.rollback()
    (found_one,) = found
    assert found_one.startswith(complaint)


def _lock(connection: Connection, *tables: str) -> None:
    with Operations.context(MigrationContext.configure(connection)):
        safety.lock_tables(*tables, writes_only=["public.parents", "public.nowhere"])


def test_tables_are_locked_at_once_and_those_that_are_missing_left_out(
    connection: Connection,
) -> None:
    with locks_out_of_order(connection) as found:
        _lock(connection, "public.families", "public.absent")
        connection.execute(text("drop table children cascade"))
        connection.rollback()
    assert found == ["public.parents by drop table children cascade"]  # stronger than for a trigger


@pytest.mark.parametrize("first", ["children", "parents"])
def test_transaction_that_uses_tables_in_any_order_is_not_cancelled(
    first: str, scratch: Engine, connection: Connection
) -> None:
    """Without further attempts the transaction or the migration would be cancelled."""
    second = {"children": "parents", "parents": "children"}[first]
    with scratch.connect() as application:
        application.execute(text("set lock_timeout = '3s'"))
        application.execute(text(f"lock table {first} in row exclusive mode"))
        with ThreadPoolExecutor() as pool:
            locking = pool.submit(_lock, connection, "public.children")
            wait_for_a_lock(scratch)
            application.execute(text(f"lock table {second} in row exclusive mode"))
            application.rollback()
            locking.result(timeout=30)
    connection.rollback()


@pytest.mark.thorough
def test_lock_that_is_not_granted_in_time_names_its_statement(
    scratch: Engine, connection: Connection
) -> None:
    connection.execute(text("set local lock_timeout = '400ms'"))
    with scratch.connect() as application:
        application.execute(text("select * from children"))
        start = time.monotonic()
        with pytest.raises(OperationalError) as error:
            _lock(connection, "public.children")
        assert time.monotonic() - start < 3
    assert statement_of(error.value) == "lock table public.children in access exclusive mode"
    connection.rollback()
