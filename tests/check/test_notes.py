"""What the check tells beside differences."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine

from tests.support.applications import SmallApplication
from townhall.testing.databases import Databases

_FOUND = """
entities.append(
    pg.Function(
        name="rank of a person",
        returns="integer",
        body="select 1",
        security="definer",
        settings={"search_path": ""},
        search_path="as found",
    )
)
"""


@pytest.fixture
def application(server: Databases, scratch: str, tmp_path: Path) -> Iterator[SmallApplication]:
    with server.create() as url:
        yield SmallApplication(tmp_path, url, scratch)


UNMANAGED = {
    "aggregate public.total(integer)": """
        create aggregate public.total (integer) (sfunc = int4pl, stype = integer)
    """,
    "cast (text as point)": "create cast (text as point) with inout",
    'collation "odd schema"."It\'s"': """create collation "odd schema"."It's" from "C\"""",
    "event trigger watch": """
        create function public.watch() returns event_trigger language plpgsql as 'begin end';
        create event trigger watch on ddl_command_end execute function public.watch()
    """,
    "foreign data wrapper nothing": "create foreign data wrapper nothing",
    "foreign server elsewhere": """
        create server elsewhere foreign data wrapper nothing
    """,
    "foreign table public.remote": """
        create foreign table public.remote (id integer) server elsewhere
    """,
    "inheritance public.child from public.parent": """
        create table parent (id integer, size integer); create table child () inherits (parent)
    """,
    "operator public.<~>(point,point)": """
        create function public.differ(a point, b point) returns boolean language sql return true;
        create operator public.<~> (leftarg = point, rightarg = point, function = public.differ)
    """,
    "rule swallow on public.parent": """
        create rule swallow as on delete to public.parent do instead nothing
    """,
    'statistics public."of parent"': 'create statistics "of parent" on id, size from parent',
    "text search configuration public.plain": """
        create text search configuration public.plain (copy = simple)
    """,
    "window function public.number()": """
        create function public.number() returns bigint language internal window
        as 'window_row_number'
    """,
}


@pytest.mark.exhaustive
def test_objects_of_unmanaged_kinds_are_told_and_left_alone(
    application: SmallApplication,
) -> None:
    application.declare("entities.append(pg.SchemaAccess(schema='odd schema'))")
    application.revise("nothing")
    with create_engine(application.url, poolclass=NullPool).begin() as connection:
        for statement in UNMANAGED.values():
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    findings = application.check().findings
    notes = [each for each in findings if not each.is_drift]
    assert [note.object for note in notes] == [*UNMANAGED]
    assert all(note.impact.endswith("it is left alone") for note in notes)
    assert not [each for each in findings if "drop" in each.repair and each.object in UNMANAGED]


@pytest.mark.thorough
def test_function_accepted_as_found_is_a_note_and_no_difference(
    application: SmallApplication,
) -> None:
    application.declare(_FOUND)
    application.revise("found")
    report = application.check()
    (note,) = report.findings
    assert note.object == "function public.rank of a person()"
    assert note.severity == "security"
    assert "SAFE_SEARCH_PATH" not in note.repair
    assert "'search_path': 'pg_catalog, pg_temp'" in note.repair
    assert not note.is_drift
    assert {answer.question: answer.answer for answer in report.answers}["drift"] == "none"
