"""What servers of several versions do differently."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy import NullPool

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from townhall import pg
from townhall.roles import SUPABASE
from townhall.testing.databases import Databases


@pytest.fixture
def lab(server: Databases) -> Iterator[Lab]:
    """Yield an empty schema on each server version, in a transaction that is rolled back."""
    server.create_owner(SUPABASE)
    engine = sa.create_engine(server.server, poolclass=NullPool)
    with engine.connect() as connection, connection.begin() as transaction:
        connection.exec_driver_sql(f"create schema {SCHEMA}")
        yield Lab(connection)
        transaction.rollback()


@pytest.mark.thorough
def test_overload_with_a_new_type_is_added(lab: Lab) -> None:
    def rate(type_: str) -> pg.Function:
        return pg.Function(
            schema=SCHEMA, name="rate", arguments={"a": type_}, returns="integer", body="select 1"
        )

    stars = pg.Domain(schema=SCHEMA, name="stars", base="integer")
    lab.there_and_back(
        Schema(entities=[rate("integer")]), Schema(entities=[stars, rate("lab.stars")])
    )


KEY_WORDS = ("json", "json_array", "values")
"""Words that are key words in some versions, or in all."""


@pytest.mark.thorough
def test_key_words_are_names_of_the_columns_of_a_key(lab: Lab) -> None:
    def keyed(*names: str) -> Schema:
        metadata = sa.MetaData()
        columns = [sa.Column(name, sa.Integer) for name in KEY_WORDS]
        sa.Table("things", metadata, *columns, sa.PrimaryKeyConstraint(*names), schema=SCHEMA)
        return Schema(metadata)

    lab.there_and_back(keyed("json"), keyed(*KEY_WORDS))


@pytest.mark.thorough
def test_foreign_key_of_a_column_with_a_key_word_as_its_name_is_changed(lab: Lab) -> None:
    def referring(name: str, match: str | None) -> Schema:
        metadata = sa.MetaData()
        sa.Table("others", metadata, sa.Column("json", sa.Integer, primary_key=True), schema=SCHEMA)
        key = sa.ForeignKeyConstraint(["json"], [f"{SCHEMA}.others.json"], name=name, match=match)
        sa.Table("things", metadata, sa.Column("json", sa.Integer), key, schema=SCHEMA)
        return Schema(metadata)

    lab.there_and_back(referring("one", None), referring("one", "FULL"))
    revision = lab.there_and_back(referring("one", None), referring("two", None))
    assert "rename" in revision.upgrade
