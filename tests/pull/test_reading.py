"""What a role may not read, or was told to leave out, is no obstacle to a pull of the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import make_url

from tests.pull.pulled import Application, execute, objects, restore, url_of
from tests.pull.test_kinds import SILENT
from tests.pull.test_refusals import refused
from townhall.testing.databases import Databases

SCHEMA = """
    create schema closed;
    create table closed.kept (id int primary key);
    create table open (id int primary key, kept int references closed.kept);
    create table ":odd %s" (id int primary key);
    create table guarded (id int primary key);
    alter table guarded enable row level security;
    create policy circular on guarded using (exists (select from guarded));
    insert into closed.kept values (1);
    insert into ":odd %s" values (1)
"""
PARTS = """
    create table visits (id int primary key) partition by range (id);
    create table first_visits partition of visits for values from (1) to (10);
    create table notes (
        id int primary key, visit int references first_visits, other int references visits
    )
"""


@pytest.fixture
def reader(townhall_databases: Databases) -> Iterator[tuple[str, str]]:
    role = f"reader_{uuid4().hex[:8]}"
    with townhall_databases.create() as url:
        grant = f"grant select on all tables in schema public to {role}"
        execute(url, f"create role {role} login; {SCHEMA}; {grant}")
        yield url, make_url(url).set(username=role).render_as_string(hide_password=False)
        execute(url, f"drop owned by {role}; drop role {role}")


@pytest.mark.thorough
def test_role_without_rights_on_a_schema_pulls_all_but_what_it_may_not_look_into(
    reader: tuple[str, str], townhall_databases: Databases, tmp_path: Path
) -> None:
    owner, url = reader
    pulled = Application(tmp_path, url, url_of(townhall_databases)).pull()
    assert list(map(str, pulled.left_out)) == [
        'rows of a table: 1: public.":odd %s"',
        "rows that a policy refuses to read: 1: public.guarded",
    ]
    application = Application(tmp_path, owner, url_of(townhall_databases))
    application.stamp()
    assert SILENT in application.check()


def test_schema_that_a_foreign_key_leads_to_is_not_left_out(
    reader: tuple[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    told = refused(
        capsys, str(tmp_path), "--url", reader[0], "--into", "shop", "--schema", "public"
    )
    assert "public.open refers to closed.kept" in told
    assert "--schema public --schema closed" in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.exhaustive
def test_foreign_key_to_a_partition_is_pulled_and_rebuilt(
    server: Databases, tmp_path: Path
) -> None:
    with server.create() as source, server.create() as restored, server.create() as rebuilt:
        execute(source, PARTS)
        restore(source, restored)
        application = Application(tmp_path, source, url_of(server))
        application.pull()
        application.upgrade(rebuilt)
        assert objects(rebuilt) == objects(restored)
        application.stamp()
        assert SILENT in application.check()
        assert application.lint() == ""
