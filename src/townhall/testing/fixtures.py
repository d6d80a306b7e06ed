"""The pytest fixtures, for this project and for applications.

They import what they need when they are used: the module itself is loaded in every pytest run where
townhall is installed, and most of the runs use none.
"""
# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine
    from sqlalchemy.ext.asyncio import AsyncEngine
    from sqlalchemy.orm import Session

    from townhall.roles import Roles
    from townhall.session import SessionFactory
    from townhall.testing.databases import Databases


@pytest.fixture(scope="session")
def townhall_server() -> Iterator[str]:
    """Yield the URL of the server for tests: the one that is named, or an embedded one.

    ``TOWNHALL_TEST_URL`` names one anywhere, ``DATABASE_URL`` one on this machine: another one is
    refused there, since it may be production. The role of the URL is a superuser, or may create
    databases and roles. A run creates databases on that server, named ``townhall_…``, and
    drops them again; it creates the roles of ``townhall_roles`` and ``townhall_owner`` where they
    are missing, and leaves them there. An embedded server is used by one worker.
    """
    from townhall.testing.named_server import named_server

    named = named_server(os.environ)
    if named is not None:
        yield named.render_as_string(hide_password=False)
    else:
        from townhall.testing.servers import serve

        with serve() as url:
            yield url


@pytest.fixture(scope="session")
def townhall_databases(townhall_server: str) -> Databases:
    """Return a factory of databases on the server, each dropped at the end of its block."""
    from townhall.testing.databases import Databases

    return Databases(townhall_server)


@pytest.fixture(scope="session")
def townhall_roles() -> Roles:
    """Return the roles of the application; override it where they are not those of Supabase.

    Those that are missing on the server are created.
    """
    from townhall.roles import Roles

    return Roles()


@pytest.fixture(scope="session")
def townhall_owner(townhall_databases: Databases, townhall_roles: Roles) -> str | None:
    """Return the ordinary role that migrates, and owns the databases, tables and functions.

    It is None where the role of the server is no superuser and owns them itself. Override it with
    None for migrations that only a superuser can run.
    """
    return townhall_databases.create_owner(townhall_roles)


@pytest.fixture(scope="session")
def townhall_migrate() -> Callable[[str], None]:
    """Return what migrates the database of a URL; override it to run your own revisions."""
    from townhall.migrate import upgrade

    return upgrade


@pytest.fixture(scope="session")
def townhall_template(
    townhall_databases: Databases,
    townhall_owner: str | None,
    townhall_migrate: Callable[[str], None],
) -> Iterator[str]:
    """Yield the URL of a database that was migrated once by its owner, to clone others from."""
    from townhall.testing.databases import with_role

    with townhall_databases.create(owner=townhall_owner, as_template=True) as url:
        townhall_migrate(with_role(url, townhall_owner))
        yield url


@pytest.fixture
def townhall_database(
    townhall_databases: Databases, townhall_owner: str | None, townhall_template: str
) -> Iterator[str]:
    """Yield the URL of a migrated database that is this test's own."""
    with townhall_databases.create(townhall_template, owner=townhall_owner) as url:
        yield url


@pytest.fixture
def townhall_engine(townhall_database: str) -> Iterator[Engine]:
    """Yield an engine on a migrated database that is this test's own."""
    from sqlalchemy import create_engine

    engine = create_engine(townhall_database)
    yield engine
    engine.dispose()


@pytest.fixture
def townhall_async_engine(townhall_database: str) -> AsyncEngine:
    """Return an async engine on a migrated database that is this test's own.

    It keeps no connection, so that it needs no event loop to be disposed of in.
    """
    from sqlalchemy import NullPool
    from sqlalchemy.ext.asyncio import create_async_engine

    return create_async_engine(townhall_database, poolclass=NullPool)


@pytest.fixture(scope="session")
def townhall_shared_engine(
    townhall_databases: Databases, townhall_owner: str | None, townhall_template: str
) -> Iterator[Engine]:
    """Yield an engine on a migrated database that tests share: each rolls back what it writes."""
    from sqlalchemy import create_engine

    with townhall_databases.create(townhall_template, owner=townhall_owner) as url:
        engine = create_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def townhall_connection(townhall_shared_engine: Engine) -> Iterator[Connection]:
    """Yield a connection in a transaction that is rolled back after the test.

    Its database is a migrated one that tests share. Code under test may commit: give it
    ``townhall_session``, or a ``SessionFactory`` on this connection. A commit of the connection
    itself is an error, since others would see it.
    """
    from sqlalchemy import event

    with townhall_shared_engine.connect() as connection:
        event.listen(connection, "commit", _refuse_commit)
        connection.begin()
        yield connection
        connection.rollback()


@pytest.fixture
def townhall_session(townhall_connection: Connection) -> Iterator[Session]:
    """Yield a session on ``townhall_connection``; what it commits is rolled back too."""
    from sqlalchemy.orm import Session

    with Session(townhall_connection, join_transaction_mode="create_savepoint") as session:
        yield session


@pytest.fixture
def townhall_sessions(townhall_connection: Connection, townhall_roles: Roles) -> SessionFactory:
    """Return a factory of sessions on ``townhall_connection``, for several people in one test.

    Each session has a savepoint, and one acts at a time: commit, or roll back, before the next one
    acts. All of it is rolled back after the test.
    """
    from townhall.session import SessionFactory

    return SessionFactory(townhall_connection, townhall_roles)


@pytest.fixture
def townhall_parallel_sessions(townhall_engine: Engine, townhall_roles: Roles) -> SessionFactory:
    """Return a factory of sessions that act at once: each has a connection, to ``townhall_engine``.

    What they commit is in a database that is this test's own.
    """
    from townhall.session import SessionFactory

    return SessionFactory(townhall_engine, townhall_roles)


def _refuse_commit(_: Connection) -> None:
    raise RuntimeError(
        "townhall_connection is rolled back after the test and can't be committed:"
        " commit a session on it, or use townhall_engine"
    )
