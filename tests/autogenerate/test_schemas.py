"""The schema in which a revision creates what has none in its name."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import NullPool, create_engine, make_url, text

from tests.support.applications import SmallApplication

_TABLES = """
Table("seats", metadata, Column("id", Integer, primary_key=True), schema={role!r})
Table("visits", metadata, Column("id", Integer, primary_key=True))
"""
_IN_PUBLIC = text("select tablename from pg_tables where schemaname = 'public' order by 1")


@pytest.mark.thorough
def test_new_schema_of_the_roles_name_gets_only_what_is_declared_in_it(
    tmp_path: Path, empty_database: str
) -> None:
    application = SmallApplication(tmp_path, empty_database, empty_database)
    application.declare(_TABLES.format(role=make_url(empty_database).username))
    application.revise("first")
    with create_engine(empty_database, poolclass=NullPool).connect() as connection:
        tables = connection.scalars(_IN_PUBLIC).all()
    assert tables == ["alembic_version", "visits"]
    command.downgrade(application.config, "base")
