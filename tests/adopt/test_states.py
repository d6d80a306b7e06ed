"""What a look compares: the revisions at head, and the database as it is."""

from __future__ import annotations

import pytest
from alembic import command
from sqlalchemy import make_url

from tests.check.test_check import execute
from tests.support.applications import SmallApplication
from townhall.adopt import compare, read_states
from townhall.testing.databases import Databases

_BOOKS = 'Table("books", metadata, Column("id", Integer, primary_key=True){})'


@pytest.fixture
def application(
    tmp_path_factory: pytest.TempPathFactory, empty_database: str, townhall_databases: Databases
) -> SmallApplication:
    scratch = townhall_databases.server.render_as_string(hide_password=False)
    return SmallApplication(tmp_path_factory.mktemp("application"), empty_database, scratch)


def identities(application: SmallApplication) -> list[str]:
    states = read_states(
        make_url(application.url),
        config=application.folder / "alembic.ini",
        scratch=application.scratch,
    )
    return [each.identity for each in compare(states.declared, states.actual)]


@pytest.mark.exhaustive
def test_tables_of_earlier_revisions_are_no_foreign_ones(application: SmallApplication) -> None:
    application.declare(_BOOKS.format(""))
    application.revise("a0001")
    application.declare(
        _BOOKS.format(', Column("title", Text)')
        + '\nTable("shelves", metadata, Column("id", Integer, primary_key=True))'
    )
    application.revise("a0002")
    assert identities(application) == []
    command.downgrade(application.config, "a0001")
    execute(application.url, "create table shelves (name text)")
    # The pending revision adds the title to books; no revision made shelves.
    assert identities(application) == [
        "column public.shelves.id",
        "constraint public.shelves shelves_pkey",
    ]


@pytest.mark.thorough
def test_tables_of_another_origin_are_compared_with_the_last_revisions(
    application: SmallApplication, empty_database: str
) -> None:
    application.declare(_BOOKS.format(', Column("title", Text)'))
    application.revise("a0001")
    command.downgrade(application.config, "base")
    execute(empty_database, "create table books (id serial primary key)")
    assert identities(application) == ["column public.books.title"]
