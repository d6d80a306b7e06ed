"""What tests of the community begin with, on a server of each version in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine

from tests.community.data import insert_community
from tests.support.servers import EVERY_VERSION, Servers
from townhall.session import SessionFactory
from townhall.testing.databases import Databases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine


@pytest.fixture(scope="session", params=EVERY_VERSION)
def databases(request: pytest.FixtureRequest, servers: Servers) -> Databases:
    """Return what makes databases on a server of each version."""
    return Databases(servers.url(request.param))


@pytest.fixture(scope="session")
def template(databases: Databases, townhall_migrate: Callable[[str], None]) -> Iterator[str]:
    """Yield the URL of a migrated database to clone."""
    with databases.create(as_template=True) as url:
        townhall_migrate(url)
        yield url


@pytest.fixture(scope="session")
def shared_engine(databases: Databases, template: str) -> Iterator[Engine]:
    """Yield an engine on a small community that tests share: who writes there rolls back."""
    with databases.create(template) as url:
        engine = create_engine(url)
        with engine.begin() as connection:
            insert_community(connection)
        yield engine
        engine.dispose()


@pytest.fixture
def database(databases: Databases, template: str) -> Iterator[str]:
    """Yield the URL of a migrated database that is this test's own."""
    with databases.create(template) as url:
        yield url


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    """Yield an engine on a migrated database that is this test's own."""
    engine = create_engine(database, pool_size=10)
    yield engine
    engine.dispose()


@pytest.fixture
def connection(shared_engine: Engine) -> Iterator[Connection]:
    """Yield a connection to a small community, in a transaction that is rolled back."""
    with shared_engine.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


@pytest.fixture
def sessions(connection: Connection) -> SessionFactory:
    """Return what makes sessions on the connection, so that all of it is rolled back."""
    return SessionFactory(connection)
