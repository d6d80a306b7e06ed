"""A database of many tables is compared on a server of few locks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from alembic.util import CommandError
from sqlalchemy import Connection

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from townhall import embedded, pg
from townhall.testing.servers import server_directory

pytestmark = pytest.mark.thorough

TABLES = 260


@contextmanager
def connected(connections: int) -> Iterator[Connection]:
    """Connect to a server that has few locks for each of some connections."""
    with server_directory() as directory:
        with embedded.start(directory) as server:
            engine = sa.create_engine(server.url, isolation_level="AUTOCOMMIT")
            with engine.connect() as superuser:
                superuser.execute(sa.text("alter system set max_locks_per_transaction = 10"))
                superuser.execute(sa.text(f"alter system set max_connections = {connections}"))
            engine.dispose()
        with embedded.start(directory) as server:
            engine = sa.create_engine(server.url)
            with engine.connect() as connection:
                yield connection
            engine.dispose()


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    with connected(20) as connection:
        yield connection


def declared(tables: int = TABLES) -> Schema:
    metadata = sa.MetaData()
    for number in range(tables):
        sa.Table(
            f"t{number}",
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("name", sa.Text, index=True),
            schema=SCHEMA,
        )
    policies = [
        pg.Policy(
            schema=SCHEMA,
            table=f"t{number}",
            name="p",
            command="select",
            roles=("public",),
            using="true",
        )
        for number in range(tables)
    ]
    return Schema(metadata, policies)


@pytest.fixture(scope="module")
def database(connection: Connection) -> Connection:
    create(connection, declared())
    return connection


def create(connection: Connection, schema: Schema) -> None:
    """Create everything that is declared, in transactions that have room for their locks."""
    connection.execute(sa.text(f"create schema {SCHEMA}"))
    for table in schema.metadata.sorted_tables:
        table.create(connection)
        connection.commit()
    for entity in schema.entities:
        assert isinstance(entity, pg.Entity)
        for statement in entity.create_statements():
            connection.execute(sa.text(statement))
        connection.commit()


@pytest.fixture
def lab(database: Connection) -> Iterator[Lab]:
    yield Lab(database)
    database.rollback()


@pytest.mark.exhaustive
def test_comparison_without_a_difference_finds_none(lab: Lab) -> None:
    assert lab.differences(declared()) == []


@pytest.mark.exhaustive
def test_differences_of_more_tables_than_there_are_locks_are_found_and_tried() -> None:
    with connected(10) as connection:
        create(connection, declared(500))
        changed = declared(500)
        tables = changed.metadata.tables
        tables["lab.t7"].append_column(sa.Column("size", sa.Integer, index=True))
        tables["lab.t9"].append_column(sa.Column("other", sa.ForeignKey("lab.t7.id")))
        changed = Schema(changed.metadata, changed.entities[1:])
        assert len(Lab(connection).differences(changed)) == 5


@pytest.mark.exhaustive
def test_refused_declaration_beside_more_tables_than_there_are_locks_is_undecided() -> None:
    with connected(10) as connection:
        create(connection, declared(500))
        changed = declared(500)
        name = changed.metadata.tables["lab.t7"].columns["name"]
        name.type = sa.Integer()
        seen = pg.View(schema=SCHEMA, name="seen", definition="select nothing from lab.t8")
        broken = Schema(changed.metadata, [*changed.entities[1:], seen])
        found = Lab(connection).differences(broken)
        assert len(found) == 3
        assert sum("undecided" in each for each in found) == 2


def test_difference_of_more_tables_than_there_are_locks_is_refused_with_what_to_do(
    lab: Lab,
) -> None:
    with pytest.raises(CommandError, match="Raise max_locks_per_transaction"):
        lab.differences(Schema())
