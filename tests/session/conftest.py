"""The same session, on a direct connection and behind PgBouncer, sync and async."""

from __future__ import annotations

from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from tests.session.database import Logins, notes_database
from tests.session.pgbouncer import PROGRAM, pgbouncer
from townhall.session import AsyncSessionFactory, SessionFactory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from sqlalchemy import URL, Engine

    from townhall.testing.databases import Databases

POOLED = {"prepare_threshold": None}
"""What psycopg needs behind a pooler in transaction mode."""


@pytest.fixture(scope="session")
def logins(townhall_databases: Databases) -> Iterator[Logins]:
    with townhall_databases.create() as url, notes_database(url) as logins:
        yield logins


@pytest.fixture(scope="session")
def bouncer(logins: Logins) -> Iterator[URL]:
    """URL of a PgBouncer whose clients share two connections to the server."""
    if PROGRAM is None:
        pytest.skip("pgbouncer is not installed")
    with pgbouncer(logins.member, pool_size=2) as url:
        yield url


@pytest.fixture(scope="session", params=["direct", "pgbouncer"])
def member(request: pytest.FixtureRequest) -> URL:
    """URL of the application's login role, on each way to the server."""
    if request.param == "direct":
        logins: Logins = request.getfixturevalue("logins")
        return logins.member
    bouncer: URL = request.getfixturevalue("bouncer")
    return bouncer


@pytest.fixture
def make_engine() -> Iterator[Callable[..., Engine]]:
    """Make engines that are disposed of after the test.

    Each has one connection, so that every session gets the one that others used before.
    """
    with ExitStack() as stack:

        def make(url: URL, **options: Any) -> Engine:  # noqa: ANN401  SQLAlchemy's
            engine = create_engine(url, pool_size=1, max_overflow=0, **options)
            stack.callback(engine.dispose)
            return engine

        yield make


@pytest.fixture
def engine(logins: Logins, make_engine: Callable[..., Engine]) -> Engine:
    return make_engine(logins.member)


@pytest.fixture
def owner_engine(logins: Logins, make_engine: Callable[..., Engine]) -> Engine:
    """Return an engine whose role bypasses row level security, so that a leak shows."""
    return make_engine(logins.owner)


@pytest.fixture
def sessions(engine: Engine) -> SessionFactory:
    return SessionFactory(engine)


@pytest.fixture
def user() -> UUID:
    return uuid4()


@contextmanager
def sync_sessions(url: URL) -> Iterator[SessionFactory]:
    engine = create_engine(url, connect_args=POOLED, pool_size=1, max_overflow=0)
    yield SessionFactory(engine)
    engine.dispose()


@asynccontextmanager
async def async_sessions(url: URL) -> AsyncIterator[AsyncSessionFactory]:
    engine = create_async_engine(url, connect_args=POOLED, pool_size=1, max_overflow=0)
    yield AsyncSessionFactory(engine)
    await engine.dispose()
