"""Extensions, publications, storage parameters and default privileges are checked and repaired."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine

from tests.support.applications import SmallApplication
from townhall.testing.databases import Databases

DECLARED = """
Table("odd table", metadata, Column("id", Integer, primary_key=True), Column("a", Text))
Table("plain", metadata, Column("id", Integer, primary_key=True))
entities += [
    pg.Extension(name="vector"),
    pg.PublicationTable(table="odd table", publication="odd name", where="id > 3"),
    pg.StorageParameters(table="odd table", parameters={"fillfactor": "70"}),
    pg.DefaultPrivileges(objects="tables", grants={"pg_monitor": ("select",)}),
    pg.DefaultPrivileges(objects="functions", everywhere=True),
    pg.SchemaAccess(schema="odd schema", comment="Odd things."),
]
"""

DRIFTS = (
    {
        "default privileges every schema.functions": """
            alter default privileges grant execute on functions to public
        """,
        "default privileges public.tables": """
            alter default privileges in schema public grant insert on tables to public
        """,
        "extension vector": 'alter extension vector set schema "odd schema"',
        "publication table public.odd table odd name": """
            alter publication "odd name" set table public."odd table"
        """,
        "publication table public.plain odd name": """
            alter publication "odd name" add table plain
        """,
        "schema odd schema": 'comment on schema "odd schema" is null',
        "storage parameters public.odd table": 'alter table "odd table" set (fillfactor = 80)',
        "storage parameters public.plain": "alter table plain set (autovacuum_enabled = false)",
    },
    {
        "default privileges public.tables": """
            alter default privileges in schema public revoke all on tables from pg_monitor
        """,
        "extension vector": "drop extension vector",
        "publication table public.odd table odd name": """
            alter publication "odd name" drop table public."odd table"
        """,
        "storage parameters public.odd table": 'alter table "odd table" reset (fillfactor)',
    },
)


@pytest.fixture
def application(server: Databases, scratch: str, tmp_path: Path) -> Iterator[SmallApplication]:
    with server.create() as url:
        execute(url, 'create publication "odd name"')
        yield SmallApplication(tmp_path, url, scratch)


@pytest.fixture
def extension(application: SmallApplication) -> str:
    """Return the name of an extension that the server has: which ones it has differs."""
    query = """
        select name from pg_available_extensions
        where name in ('citext', 'vector') order by name desc limit 1
    """
    with create_engine(application.url, poolclass=NullPool).connect() as connection:
        return str(connection.exec_driver_sql(query).scalar_one())


def execute(url: str, sql: str) -> None:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.exec_driver_sql(sql, execution_options={"no_parameters": True})


@pytest.mark.exhaustive
def test_every_drift_is_named_and_repaired(application: SmallApplication, extension: str) -> None:
    application.declare(DECLARED.replace("vector", extension))
    application.revise("kinds")
    assert application.check().findings == ()
    for drifts in DRIFTS:
        for drift in drifts.values():
            execute(application.url, drift.replace("vector", extension))
        findings = application.check().findings
        changed = [name.replace("vector", extension) for name in drifts]
        # They are in the order in which their repairs run.
        assert sorted(finding.object for finding in findings) == sorted(changed)
        assert "its effect is not known" not in {finding.impact for finding in findings}
        for finding in findings:
            execute(application.url, finding.repair)
        assert application.check().findings == ()


@pytest.mark.thorough
def test_objects_of_the_platform_are_no_difference(
    application: SmallApplication, extension: str
) -> None:
    application.declare("")
    for statement in (
        f"create extension {extension}",
        "alter default privileges in schema public grant all on tables to public",
        "alter default privileges for role pg_monitor grant all on tables to public",
    ):
        execute(application.url, statement)
    assert application.differences() == []
    assert application.check().findings == ()
