"""Databases that are created for a test and dropped again."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from psycopg import OperationalError
from psycopg.sql import SQL, Identifier, Literal
from sqlalchemy import create_engine, make_url, text

from townhall.testing.databases import Databases

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any


def _run(url: str, *statements: str) -> Sequence[Any]:
    """Run statements and return the first column of the last one."""
    engine = create_engine(url)
    with engine.begin() as connection:
        *first, last = statements
        for statement in first:
            connection.execute(text(statement))
        result = connection.execute(text(last))
        found = result.scalars().all() if result.returns_rows else []
    engine.dispose()
    return found


def _exists(databases: Databases, url: str) -> bool:
    server = databases.server.render_as_string(hide_password=False)
    return make_url(url).database in _run(server, "select datname from pg_database")


def test_empty_database_has_no_tables(empty_database: str) -> None:
    tables = "select relname from pg_class where relnamespace = 'public'::regnamespace"
    assert _run(empty_database, tables) == []


def test_database_is_dropped_at_the_end_of_its_block(townhall_databases: Databases) -> None:
    with townhall_databases.create() as url:
        assert _exists(townhall_databases, url)
    assert not _exists(townhall_databases, url)


def test_database_is_dropped_in_spite_of_connections(
    townhall_databases: Databases,
) -> None:
    with townhall_databases.create() as url:
        engine = create_engine(url)
        lingering = engine.connect()
    assert not _exists(townhall_databases, url)
    lingering.invalidate()
    engine.dispose()


def test_database_is_dropped_after_an_error(townhall_databases: Databases) -> None:
    urls = []

    def fail() -> None:
        with townhall_databases.create() as url:
            urls.append(url)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert not _exists(townhall_databases, urls[0])


def test_clones_have_the_rows_of_the_template_and_are_independent(
    townhall_databases: Databases,
) -> None:
    count = "select count(*) from greetings"
    with townhall_databases.create(as_template=True) as template:
        _run(template, "create table greetings ()", "insert into greetings default values")
        with (
            townhall_databases.create(template) as one,
            townhall_databases.create(template) as other,
        ):
            _run(one, "insert into greetings default values")
            assert (_run(one, count), _run(other, count)) == ([2], [1])
    assert not _exists(townhall_databases, template)


@pytest.fixture
def creator(townhall_databases: Databases) -> Iterator[Databases]:
    """Yield a factory of databases whose role has only createdb."""
    server = townhall_databases.server
    role = f"townhall_creator_{uuid4().hex[:8]}"
    admin = server.render_as_string(hide_password=False)
    create = SQL("create role {} login createdb password {}")
    _run(admin, create.format(Identifier(role), Literal(server.password)).as_string())
    yield Databases(server.set(username=role).render_as_string(hide_password=False))
    _run(admin, SQL("drop role {}").format(Identifier(role)).as_string())


def test_role_with_only_createdb_creates_databases(creator: Databases) -> None:
    with creator.create(as_template=True) as template, creator.create(template) as url:
        assert _run(url, "select current_user::text") == [creator.server.username]
    assert not _exists(creator, url)


def test_missing_server_is_an_error_at_once() -> None:
    databases = Databases("postgresql+psycopg://postgres@/postgres?host=/nowhere")
    with pytest.raises(OperationalError, match="Is the server running"), databases.create():
        pass
