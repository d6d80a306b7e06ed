"""Fixtures of this project alone; those for applications too are in ``townhall.testing``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support.servers import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from townhall.testing.databases import Databases


@pytest.fixture(scope="session")
def townhall_server() -> Iterator[str]:
    named = os.environ.get("DATABASE_URL")
    if named:
        yield named
    else:
        with serve(18) as url:
            yield url


@pytest.fixture
def empty_database(townhall_databases: Databases) -> Iterator[str]:
    """URL of a database with nothing in it, whose role is a superuser or may create databases."""
    with townhall_databases.create() as url:
        yield url
