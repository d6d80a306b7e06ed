"""Random schemas over all kinds are pulled and rebuilt."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from sqlalchemy import NullPool

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from tests.autogenerate.random_schemas import (
    PUBLICATION,
    Change,
    changes,
    without_missing,
)
from tests.pull.pulled import Application, execute, url_of
from tests.pull.test_kinds import pulled_and_rebuilt
from townhall.pg import sql
from townhall.roles import SUPABASE
from townhall.testing.databases import Databases

# SQLAlchemy warns of a column that only newer versions of PostgreSQL compute when it is read.
pytestmark = pytest.mark.filterwarnings("ignore:Computed column")

unhurried = settings(deadline=None, suppress_health_check=list(HealthCheck))


def declare(url: str, schema: Schema) -> None:
    """Make what is declared."""
    engine = sa.create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"create schema {SCHEMA}")
        Lab(connection).migrate(without_missing(connection, schema))


@contextmanager
def with_publication(server: Databases) -> Iterator[str]:
    """Yield the URL of a database that has a publication, which is not pulled."""
    with server.create() as url:
        execute(url, f"create publication {sql.quote(PUBLICATION)}")
        yield url


def pull_and_rebuild(server: Databases, schema: Schema) -> None:
    """Pull what is declared, rebuild it, and pull it again, which must write the same files."""
    server.create_owner(SUPABASE)
    with (
        TemporaryDirectory() as folder,
        with_publication(server) as source,
        server.create() as restored,
        with_publication(server) as rebuilt,
    ):
        declare(source, schema)
        application = Application(Path(folder), source, url_of(server))
        pulled_and_rebuilt(application, restored, rebuilt)
        before = application.files()
        application.pull(force=True)
        assert application.files() == before


@pytest.mark.exhaustive
@settings(unhurried, max_examples=5, derandomize=True)
@given(change=changes())
def test_random_schema_is_pulled_and_rebuilt(server: Databases, change: Change) -> None:
    pull_and_rebuild(server, change.schemas()[1])


@pytest.mark.exhaustive
@settings(unhurried, max_examples=60)
@given(change=changes())
def test_many_random_schemas_are_pulled_and_rebuilt(server: Databases, change: Change) -> None:
    pull_and_rebuild(server, change.schemas()[1])
