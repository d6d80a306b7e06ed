"""The pytest plugin that applications get."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text

if TYPE_CHECKING:
    from townhall.testing.databases import Databases


def _tables(url: str) -> list[str]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.scalars(
            text("select relname from pg_class where relnamespace = 'public'::regnamespace")
        ).all()
    engine.dispose()
    return list(found)


def test_an_empty_database_is_empty(empty_database: str) -> None:
    assert _tables(empty_database) == []


def test_a_database_is_dropped_even_while_somebody_is_connected(
    townhall_databases: Databases, townhall_server: str
) -> None:
    with townhall_databases.create() as url:
        engine = create_engine(url)
        lingering = engine.connect()
    server = create_engine(townhall_server)
    with server.connect() as connection:
        left = connection.scalar(
            text("select count(*) from pg_database where datname = :name"),
            {"name": engine.url.database},
        )
    server.dispose()
    lingering.invalidate()
    engine.dispose()
    assert left == 0
