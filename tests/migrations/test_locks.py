"""No revision holds a lock for a time that grows with the size of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alembic import command
from sqlalchemy import Connection, Engine, NullPool, create_engine, text

from tests.migrations.chain import REVISIONS
from tests.migrations.locks import long_locks
from tests.support.rows import fill
from townhall.migrate import alembic_config, upgrade

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from townhall.testing.databases import Databases


@pytest.fixture(scope="module")
def scratch(townhall_databases: Databases) -> Iterator[Engine]:
    with townhall_databases.create() as url:
        yield create_engine(url, poolclass=NullPool)


@pytest.fixture
def things(scratch: Engine) -> Iterator[Connection]:
    """Yield a connection to a database with a table that has a row."""
    with scratch.begin() as connection:
        connection.execute(text("drop schema public cascade"))
        connection.execute(text("create schema public"))
        connection.execute(
            text("create table things (id int primary key, thing int, name varchar(9))")
        )
        connection.execute(text("insert into things values (1, 1, 'one')"))
    with scratch.connect() as connection:
        yield connection


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("create index on things (thing)", "things is locked and read as a whole"),
        ("alter table things add check (id > 0)", "things is locked and read as a whole"),
        ("alter table things add unique (thing)", "things is locked and read as a whole"),
        ("alter table things alter thing set not null", "things is locked and read as a whole"),
        (
            "alter table things add foreign key (thing) references things",
            "things is locked and read as a whole",
        ),
        (
            "alter table things disable trigger all; select count(*) from things",
            "things is locked and read as a whole",
        ),
        ("alter table things alter thing type bigint", "things is rewritten"),
        ("alter table things add key uuid default gen_random_uuid()", "things is rewritten"),
        ("update things set id = 2", "things is changed in a transaction"),
    ],
)
def test_statement_with_a_long_exclusive_lock_is_found(
    statement: str, complaint: str, things: Connection
) -> None:
    with long_locks(things) as found:
        for part in statement.split(";"):
            things.execute(text(part))
        things.commit()
    assert complaint in found


@pytest.mark.parametrize(
    "statement",
    [
        "alter table things add check (id > 0) not valid",
        "alter table things add foreign key (thing) references things not valid",
        "alter table things add word text not null default ''",
        "alter table things add since timestamptz default now()",
        "alter table things alter name type text",
        "alter table things enable row level security",
        "create policy p on things using (true)",
        "create table others (id int references things)",
        "create view few as select id from things",
        "insert into things values (2)",
    ],
)
def test_statement_with_a_short_exclusive_lock_is_not_found(
    statement: str, things: Connection
) -> None:
    with long_locks(things) as found:
        things.execute(text(statement))
        things.commit()
    assert found == []


def test_unknown_statement_outside_a_transaction_is_found(things: Connection) -> None:
    with long_locks(things) as found:
        things.execution_options(isolation_level="AUTOCOMMIT")
        things.execute(text("create index concurrently on things (thing)"))
        things.execute(text("create index on things (thing)"))
    assert found == ["in autocommit mode: create index on things (thing)"]


@pytest.mark.exhaustive
@pytest.mark.parametrize("direction", [command.upgrade, command.downgrade])
def test_no_revision_holds_a_long_exclusive_lock(
    direction: Callable[..., None], empty_database: str
) -> None:
    names = [script.revision for script in REVISIONS]
    start, *steps = names if direction is command.upgrade else reversed(names)
    upgrade(empty_database, start)
    complaints = {}
    with create_engine(empty_database, poolclass=NullPool).connect() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        for step in steps:
            fill(connection)
            connection.commit()
            with long_locks(connection) as found:
                direction(config, step)
            if found:
                complaints[step] = found
    assert complaints == {}
