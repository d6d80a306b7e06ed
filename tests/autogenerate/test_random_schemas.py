"""Random schemas over the kinds that can be declared migrate to others and back, as dumps say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, NullPool
from sqlalchemy.dialects import postgresql

from tests.autogenerate.lab import Lab, Schema
from tests.autogenerate.random_schemas import (
    Change,
    changes,
    full_schemas,
    prepare,
    without_missing,
)
from tests.autogenerate.random_uses import ChangeOfUses, changes_of_uses
from tests.autogenerate.round_trip import sorted_columns
from tests.support.dump import dump
from townhall import pg
from townhall.pg.catalog.tables import ConstraintKind
from townhall.roles import SUPABASE
from townhall.testing.databases import Databases

# Before PostgreSQL 18 a generated column is stored.
pytestmark = pytest.mark.filterwarnings("ignore:Computed column")

unhurried = settings(deadline=None, suppress_health_check=list(HealthCheck))


def there_and_back(databases: Databases, change: Change | ChangeOfUses, *, live: bool) -> None:
    """Migrate from one declaration to another, back, and there again.

    Nothing may differ on either side, and the dump must be the same after the way back.
    """
    with databases.create() as url:
        engine = sa.create_engine(url, poolclass=NullPool)
        with engine.begin() as connection:
            prepare(connection)
            old, new = (without_missing(connection, each) for each in change.schemas())
            Lab(connection).migrate(old)
        before = dump(url)
        with engine.begin() as connection:
            revisions = Lab(connection, live=live).revisions(new)
        run_twice(engine, (each.upgrade for each in revisions))
        assert differences(engine, new) == []
        run_twice(engine, (each.downgrade for each in reversed(revisions)))
        assert sorted_columns(dump(url)) == sorted_columns(before)
        assert differences(engine, old) == []
        run_twice(engine, (each.upgrade for each in revisions))
        assert differences(engine, new) == []


def run_twice(engine: Engine, functions: Iterable[str]) -> None:
    """Run the functions of revisions, each over its own result as well."""
    for function in functions:
        for _ in range(2):
            with engine.connect() as connection:
                Lab(connection).run_committed(function)


def differences(engine: Engine, schema: Schema) -> list[str]:
    with engine.begin() as connection:
        return Lab(connection).differences(schema)


def test_every_kind_of_entity_and_of_part_of_a_table_is_in_a_random_schema() -> None:
    schemas = [*full_schemas()]
    entities = {type(each) for schema in schemas for each in schema.entities}
    assert {*pg.ENTITY_CLASSES} - entities == set()
    tables = [each for schema in schemas for each in schema.metadata.tables.values()]
    constraints = {_CONSTRAINTS[type(each)] for table in tables for each in table.constraints}
    assert {*get_args(ConstraintKind)} - constraints == set()
    assert any(table.indexes for table in tables)


_CONSTRAINTS: Mapping[type[Any], ConstraintKind] = {
    sa.CheckConstraint: "check",
    postgresql.ExcludeConstraint: "exclude",
    sa.ForeignKeyConstraint: "foreign key",
    sa.PrimaryKeyConstraint: "primary key",
    sa.UniqueConstraint: "unique",
}


@pytest.mark.exhaustive
@settings(unhurried, max_examples=3, derandomize=True)
@given(change=changes(), live=st.booleans())
def test_random_change_is_migrated_and_reverted(
    databases: Databases, change: Change, *, live: bool
) -> None:
    there_and_back(databases, change, live=live)


@pytest.mark.exhaustive
@settings(unhurried, max_examples=400)
@given(change=changes(), live=st.booleans())
def test_very_many_random_changes_are_migrated_and_reverted(
    server: Databases, change: Change, *, live: bool
) -> None:
    server.create_owner(SUPABASE)
    there_and_back(server, change, live=live)


@pytest.mark.exhaustive
@settings(unhurried, max_examples=400)
@given(change=changes_of_uses(), live=st.booleans())
def test_very_many_random_uses_come_go_and_change_with_what_they_use(
    server: Databases, change: ChangeOfUses, *, live: bool
) -> None:
    server.create_owner(SUPABASE)
    there_and_back(server, change, live=live)
