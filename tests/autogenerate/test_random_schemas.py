"""Random schemas over the kinds that can be declared migrate to others and back, as dumps say."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from sqlalchemy import NullPool

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from tests.autogenerate.random_schemas import PUBLICATION, changes
from tests.autogenerate.round_trip import sorted_columns
from tests.support.dump import dump
from townhall.pg import sql
from townhall.roles import SUPABASE
from townhall.testing.databases import Databases

# Before PostgreSQL 18 a generated column is stored.
pytestmark = pytest.mark.filterwarnings("ignore:Computed column")

unhurried = settings(deadline=None, suppress_health_check=list(HealthCheck))


def there_and_back(databases: Databases, old: Schema, new: Schema) -> None:
    """Migrate from one declaration to another, back, and there again.

    Nothing may differ on either side, and the dump must be the same after the way back.
    """
    with databases.create() as url:
        engine = sa.create_engine(url, poolclass=NullPool)
        with engine.begin() as connection:
            connection.exec_driver_sql(
                f"create schema {SCHEMA}; create publication {sql.quote(PUBLICATION)}".replace(
                    "%", "%%"
                )
            )
        with engine.begin() as connection:
            Lab(connection).migrate(old)
        before = dump(url)
        with engine.begin() as connection:
            revision = Lab(connection).migrate(new)
        with engine.begin() as connection:
            Lab(connection).run(revision.downgrade, times=2)
        assert sorted_columns(dump(url)) == sorted_columns(before)
        with engine.begin() as connection:
            lab = Lab(connection)
            assert lab.differences(old) == []
            lab.run(revision.upgrade, times=2)
            assert lab.differences(new) == []


@pytest.mark.exhaustive
@settings(unhurried, max_examples=2, derandomize=True)
@given(change=changes())
def test_random_change_is_migrated_and_reverted(
    databases: Databases, change: tuple[Schema, Schema]
) -> None:
    there_and_back(databases, *change)


@pytest.mark.exhaustive
@settings(unhurried, max_examples=6, derandomize=True)
@given(change=changes())
def test_more_random_changes_are_migrated_and_reverted(
    databases: Databases, change: tuple[Schema, Schema]
) -> None:
    there_and_back(databases, *change)


@pytest.mark.exhaustive
@settings(unhurried, max_examples=400)
@given(change=changes())
def test_very_many_random_changes_are_migrated_and_reverted(
    server: Databases, change: tuple[Schema, Schema]
) -> None:
    server.create_owner(SUPABASE)
    there_and_back(server, *change)
