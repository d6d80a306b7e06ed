"""The chain upward, again and downward, as a whole and by steps, with rows in every table."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pytest
from alembic import command
from sqlalchemy import NullPool, create_engine

from tests.migrations.chain import REVISIONS
from tests.support.dump import dump
from tests.support.rows import contents, fill
from townhall.migrate import alembic_config, downgrade, upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from townhall.testing.databases import Databases

State = tuple[str, dict[str, list[str]]]


@pytest.fixture
def database(server: Databases) -> Iterator[str]:
    with server.create() as url:
        yield url


def test_upgrade_after_a_downgrade_to_base_gives_the_same_schema(database: str) -> None:
    upgrade(database)
    schema, _ = _filled(database)
    downgrade(database, "base")
    assert "CREATE" not in dump(database).replace("CREATE TABLE public.alembic_version", "")
    upgrade(database)
    assert dump(database) == schema


@pytest.mark.exhaustive
def test_chain_is_idempotent(database: str) -> None:
    upgrade(database)
    before = _filled(database)
    command.stamp(alembic_config(database), "base")
    upgrade(database)
    assert _state(database) == before


@pytest.mark.exhaustive
def test_each_revision_is_idempotent_and_its_downgrade_restores_the_schema(database: str) -> None:
    states: dict[str, State] = {}
    for revision, before in _steps():
        upgrade(database, revision)
        states[revision] = _filled(database)
        command.stamp(alembic_config(database), before)
        upgrade(database, revision)
        assert _state(database) == states[revision], f"the second upgrade to {revision}"
    for revision, before in reversed(_steps()[1:]):
        downgrade(database, before)
        schema, rows = _state(database)
        assert schema == states[before][0], f"the downgrade of {revision}"
        assert _values(rows) >= _values(states[before][1]), f"the downgrade of {revision}"


def _steps() -> list[tuple[str, str]]:
    names = ["base", *(script.revision for script in REVISIONS)]
    return [(revision, before) for before, revision in itertools.pairwise(names)]


def _values(rows: dict[str, list[str]]) -> set[tuple[str, str, str, str]]:
    """Return what rows hold, except nulls, which an upgrade fills, and counters of dropped rows."""
    return {
        (table, row["id"], column, str(value))
        for table, several in rows.items()
        for row in map(json.loads, several)
        for column, value in row.items()
        if value is not None and not column.endswith("_count")
    }


def _filled(url: str) -> State:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        fill(connection)
    return _state(url)


def _state(url: str) -> State:
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return dump(url), contents(connection)
