"""What a pull leaves out, or only its first revision has, is told by kind, count and name."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.pull.pulled import Application, execute, url_of
from tests.support.alembic import alembic
from townhall.check.connection import reading
from townhall.cli import main
from townhall.pg.catalog import empty_search_path, read_undeclarable
from townhall.testing.databases import Databases

LEFT_OUT = """
    create table notes (id int primary key, word text);
    insert into notes values (1);
    create aggregate total(int) (sfunc = int4pl, stype = int, initcond = '0');
    create operator === (leftarg = int, rightarg = int, function = int4eq);
    create collation plain (locale = 'C');
    create text search configuration simple_words (copy = simple);
    create foreign data wrapper wrapping;
    create server elsewhere foreign data wrapper wrapping;
    create publication mine
"""
LEFT_OUT_IN_WORDS = (
    "aggregate: 1: public.total(integer)",
    "collation: 1: public.plain",
    "foreign data wrapper: 1: wrapping",
    "foreign server: 1: elsewhere",
    "operator: 1: public.===(integer,integer)",
    "publication: 1: mine",
    "rows of a table: 1: public.notes",
    "text search configuration: 1: public.simple_words",
)
NOT_COMPARED = """
    create table things (id int primary key, n int);
    create table books (pages int) inherits (things);
    create rule quiet as on delete to things do instead nothing;
    create statistics both_of on id, n from things;
    alter table things alter n set statistics 50;
    create table years (at date not null) partition by range (at);
    create table first_year partition of years for values from ('2026-01-01') to ('2027-01-01');
    create table other_years partition of years default
"""
NOT_COMPARED_IN_WORDS = (
    "inheritance: 1: public.books from public.things",
    "partition: 2: public.first_year, public.other_years",
    "rule: 1: quiet on public.things",
    "settings of a column: 2: public.books.n, public.things.n",
    "statistics: 1: public.both_of",
)
REFUSED = """
    create collation plain (locale = 'C');
    create table sorted (word text collate plain);
    create view sorting as select word from sorted
"""


@pytest.mark.parametrize(
    ("comment", "told"),
    [("Of the shop.", True), ("default administrative connection database", False)],
)
def test_comment_on_the_database_is_told_unless_it_has_been_there_from_the_start(
    empty_database: str, comment: str, *, told: bool
) -> None:
    name = make_url(empty_database).database
    execute(empty_database, f"comment on database {name} is '{comment}'")
    with reading(make_url(empty_database)) as connection, empty_search_path(connection):
        found = read_undeclarable(connection, ["public"])
    assert (("comment on the database", name) in found) == told


def test_what_is_left_out_is_told_at_the_end_and_in_the_package(
    server: Databases, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with server.create() as source:
        execute(source, LEFT_OUT)
        words = ("--url", source, "--into", "shop", "--scratch", url_of(server))
        assert main(["pull", str(tmp_path), *words]) == 0
    told = capsys.readouterr().out
    package = (tmp_path / "shop" / "__init__.py").read_text(encoding="utf-8")
    for line in LEFT_OUT_IN_WORDS:
        assert f"  {line}\n" in told
        assert f"- {line}\n" in package
    assert told.index("Not pulled:") < told.index(LEFT_OUT_IN_WORDS[0])
    assert "first revision" not in told


@pytest.mark.thorough
def test_what_only_the_first_revision_has_is_told(server: Databases, tmp_path: Path) -> None:
    with server.create() as source:
        execute(source, NOT_COMPARED)
        application = Application(tmp_path, source, url_of(server))
        pulled = application.pull()
    assert pulled.left_out == []
    assert tuple(map(str, pulled.not_compared)) == NOT_COMPARED_IN_WORDS
    package = (tmp_path / "shop" / "__init__.py").read_text(encoding="utf-8")
    assert all(f"- {line}\n" in package for line in NOT_COMPARED_IN_WORDS)


@pytest.mark.thorough
def test_nothing_is_told_where_everything_is_pulled(
    server: Databases, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with server.create() as source:
        execute(source, "create table notes (id int primary key)")
        words = ("--url", source, "--into", "shop", "--scratch", url_of(server))
        assert main(["pull", str(tmp_path), *words]) == 0
    told = capsys.readouterr().out
    assert "Not pulled" not in told
    assert "neither declared nor compared" not in told


@pytest.mark.thorough
def test_what_postgresql_refuses_is_marked_in_the_revision_and_refused_when_it_runs(
    server: Databases, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with server.create() as source, server.create() as made:
        execute(source, REFUSED)
        words = ("--url", source, "--into", "shop", "--scratch", url_of(server))
        assert main(["pull", str(tmp_path), *words]) != 0
        told = capsys.readouterr().err.strip()
        assert "\n" not in told
        assert 'table public.sorted: collation "public.plain" for encoding' in told
        assert "view public.sorting" in told
        # With the table go its access and the view.
        (path,) = (tmp_path / "migrations" / "versions").glob("*.py")
        assert path.name in told
        assert path.read_text(encoding="utf-8").count("pg.undecided(") == 3
        done = alembic("upgrade", "head", url=made, directory=tmp_path, check=False)
        assert done.returncode != 0
        assert "public.plain" in done.stdout
        # The database that was read needs no more than the stamp.
        alembic("stamp", "head", url=source, directory=tmp_path)
        assert "No new" in alembic("check", url=source, directory=tmp_path).stdout
