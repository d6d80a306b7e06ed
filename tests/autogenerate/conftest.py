"""Databases at head, and the commands of Alembic on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from tests.autogenerate.lab import SCHEMA, Lab
from tests.support.dump import dump
from townhall import migrate
from townhall.testing.databases import Databases


@pytest.fixture
def lab(townhall_shared_engine: Engine) -> Iterator[Lab]:
    """Yield a schema with nothing in it, in a transaction that is rolled back."""
    with townhall_shared_engine.connect() as connection, connection.begin() as transaction:
        connection.execute(sa.text(f"create schema {SCHEMA}"))
        yield Lab(connection)
        transaction.rollback()


@pytest.fixture
def databases(townhall_databases: Databases, townhall_owner: str | None) -> Databases:
    """Return a factory of databases on a server that has the roles of requests."""
    del townhall_owner
    return townhall_databases


@pytest.fixture
def database(server: Databases, template_of: Callable[[Databases], str]) -> Iterator[str]:
    """Yield the URL of a database at head that is this test's own, on each server version."""
    with server.create(template_of(server)) as url:
        yield url


@pytest.fixture
def at_head(
    server: Databases,
    template_of: Callable[[Databases], str],
    dumped: dict[str, list[str]],
) -> list[str]:
    """Return what ``pg_dump`` says of a database at head on this server."""
    template = template_of(server)
    if template not in dumped:
        dumped[template] = lines(template)
    return dumped[template]


@pytest.fixture(scope="session")
def dumped() -> dict[str, list[str]]:
    """Return what was dumped already, by the template's URL."""
    return {}


def lines(url: str) -> list[str]:
    """Return the lines of a dump, sorted.

    A column that was dropped and added again is the last one, and so is a privilege.
    """
    return sorted(line.strip().rstrip(",") for line in dump(url).splitlines())


@pytest.fixture
def config(database: str, tmp_path: Path) -> Config:
    """Return Alembic's configuration for that database, with a folder for further revisions."""
    return configured(database, tmp_path)


def configured(url: str, folder: Path) -> Config:
    """Return a configuration whose new revisions go to a folder of their own."""
    config = migrate.alembic_config(url)
    versions = Path(config.get_main_option("script_location") or "") / "versions"
    config.set_main_option("version_locations", f"{versions}:{folder}")
    return config


def generate(config: Config, folder: Path, name: str = "repair") -> list[Path]:
    """Generate revisions and return their files."""
    before = set(folder.glob("*.py"))
    command.revision(config, name, autogenerate=True, head="heads", version_path=str(folder))
    return sorted(set(folder.glob("*.py")) - before)
