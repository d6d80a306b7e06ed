"""The filters of Alembic's ``context.configure`` say what a comparison leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text

from tests.support.applications import SmallApplication

FILTERS = """
from alembic_utils.pg_view import PGView

def include_object(item, name, kind, reflected, compare_to):
    return not (name or "").rpartition(".")[2].startswith("other_")

def include_name(name, kind, parents):
    return not (name or "").rpartition(".")[2].startswith("foreign_")
"""
DECLARED = (
    FILTERS
    + """
Table("seats", metadata, Column("id", Integer, primary_key=True), Column("number", Integer))
Table("other_seats", metadata, Column("id", Integer, primary_key=True))
entities += [
    pg.View(schema="public", name="numbers", definition="select number from seats"),
    pg.View(schema="public", name="other_numbers", definition="select 1 as number"),
    PGView("public", "twice", "select 2 * number as number from seats"),
    PGView("public", "other_twice", "select 2 as number"),
]
"""
)
FOREIGN = """
    create table foreign_table (id integer);
    create table other_table (id integer);
    create view foreign_view as select 1 as one;
    create view other_view as select id from seats;
    create function other_function(a integer) returns integer language sql as $$select a$$;
    create function foreign_function() returns integer language sql as $$select 1$$;
    create function undeclared() returns integer language sql as $$select 1$$;
    alter table seats add other_column integer, add constraint other_key unique (number);
    create index other_index on seats (number)
"""


@pytest.mark.thorough
def test_what_filters_leave_out_is_neither_created_nor_dropped(
    tmp_path: Path, empty_database: str
) -> None:
    options = "include_object=include_object, include_name=include_name"
    application = SmallApplication(tmp_path, empty_database, empty_database, options)
    application.declare(DECLARED)
    source = application.revise("first")
    assert "numbers" in source
    assert "twice" in source
    assert "other_" not in source
    with create_engine(application.url, poolclass=NullPool).begin() as connection:
        connection.execute(text(FOREIGN))
    (difference,) = application.differences()
    assert "undeclared()" in difference
