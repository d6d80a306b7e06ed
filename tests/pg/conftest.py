"""A database with what the sample entities need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection, create_engine

from tests.pg.samples import SETUP
from townhall.testing.databases import Databases


@pytest.fixture
def connection(server: Databases) -> Iterator[Connection]:
    with server.create() as url:
        engine = create_engine(url)
        with engine.connect() as connection:
            for statement in SETUP:
                connection.execute(sa.text(statement))
            yield connection
            connection.rollback()
        engine.dispose()
