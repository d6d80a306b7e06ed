"""What the revisions made is kept on the embedded server, and used while nothing has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import URL, Engine, event, make_url, text

from tests.check.conftest import AtHead
from tests.support.servers import NAMED, VERSIONS, Servers
from townhall.check import check, templates
from townhall.check.history import History
from townhall.check.templates import PREFIX, Filling, create_filled
from townhall.engines import autocommit, execute
from townhall.testing.databases import Databases

if TYPE_CHECKING:
    from _pytest.monkeypatch import MonkeyPatch

_KEPT_TEMPLATES = 2


@pytest.fixture
def server(townhall_server: str, monkeypatch: MonkeyPatch) -> Iterator[URL]:
    """Yield a server that keeps two templates of this test, where other tests create roles."""
    own = f"{PREFIX}{uuid4().hex[:8]}_"
    url = make_url(townhall_server)
    monkeypatch.setattr(templates, "PREFIX", own)
    monkeypatch.setattr(templates, "_STATE", "select ''")
    monkeypatch.setattr(templates, "_KEPT_TEMPLATES", _KEPT_TEMPLATES)
    yield url
    for name in _templates(url, own):
        execute(url, f"drop database {name}")


def _templates(server: URL, prefix: str) -> list[str]:
    names = text("select datname from pg_database where starts_with(datname, :p) order by oid")
    with autocommit(server) as connection:
        return list(connection.scalars(names, {"p": prefix}))


class Filled:
    """Fills databases with a table, and counts how often it has to."""

    def __init__(self, server: URL, *statements: str) -> None:
        self.server, self.statements, self.times = server, statements, 0

    def rows(self, digest: str) -> list[Any]:
        """Return the rows of a new database."""
        database = self.server.set(database=f"townhall_{uuid4().hex[:16]}")
        try:
            create_filled(Filling(digest, self._make), self.server, database)
            with autocommit(database) as connection:
                return list(connection.scalars(text("select n from made")))
        finally:
            execute(self.server, f"drop database if exists {database.database} with (force)")

    def _make(self, database: URL) -> None:
        self.times += 1
        execute(database, f"create table made as select {self.times} as n")
        for each in self.statements:
            execute(database, each.format(database=database.database))


def test_second_database_is_copied_and_another_digest_is_filled_anew(server: URL) -> None:
    filled = Filled(server)
    assert [filled.rows(digest) for digest in "aabab"] == [[1], [1], [2], [1], [2]]
    assert filled.times == 2


@pytest.mark.thorough
def test_newest_templates_stay(server: URL) -> None:
    filled = Filled(server)
    assert [filled.rows(digest) for digest in "abccba"] == [[1], [2], [3], [3], [2], [4]]
    assert len(_templates(server, templates.PREFIX)) == _KEPT_TEMPLATES


def test_databases_that_are_filled_at_the_same_time_leave_one_template(server: URL) -> None:
    filled = Filled(server)
    with ThreadPoolExecutor(3) as threads:
        assert all(threads.map(filled.rows, "aaa"))
    assert len(_templates(server, templates.PREFIX)) == 1


@pytest.mark.thorough
def test_database_with_settings_of_its_own_is_not_kept_since_a_copy_would_lose_them(
    server: URL,
) -> None:
    filled = Filled(server, "alter database {database} set work_mem = '5MB'")
    assert [filled.rows("a"), filled.rows("a")] == [[1], [2]]
    assert _templates(server, templates.PREFIX) == []


@pytest.mark.thorough
def test_failure_leaves_no_template(server: URL) -> None:
    filled = Filled(server, "select 1 / 0")
    with pytest.raises(Exception, match="division by zero"):
        filled.rows("a")
    assert _templates(server, templates.PREFIX) == []


@pytest.fixture
def history(tmp_path: Path, monkeypatch: MonkeyPatch) -> Callable[[], History]:
    """Return what reads the revisions of an application, one of which imports a package."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "helping").mkdir()
    (tmp_path / "helping" / "__init__.py").write_text("")
    (tmp_path / "helping" / "seeds.py").write_text("ROWS = 1\n")
    (tmp_path / "helping" / "rows.csv").write_text("1\n")
    for folder in ("versions", "sql"):
        (tmp_path / "migrations" / folder).mkdir(parents=True)
    (tmp_path / "migrations" / "versions" / "one.sql").write_text("select 1;\n")
    (tmp_path / "migrations" / "sql" / "views.sql").write_text("select 1;\n")
    (tmp_path / "migrations" / "env.py").write_text("")
    (tmp_path / "migrations" / "versions" / "one.py").write_text(
        dedent(
            '''
            """One."""
            revision, down_revision = "one", None
            def upgrade():
                import logging, helping.seeds
                op.execute("select *\\nfrom public.nothing")
            '''
        )
    )
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/migrations\n")
    return lambda: History(tmp_path / "alembic.ini")


@pytest.mark.parametrize(
    "name",
    [
        "alembic.ini",
        "migrations/env.py",
        "migrations/versions/one.py",
        "migrations/versions/one.sql",
        "migrations/sql/views.sql",
        "helping/seeds.py",
        "helping/rows.csv",
    ],
)
def test_digest_is_of_everything_that_decides_what_revisions_make(
    history: Callable[[], History], tmp_path: Path, name: str
) -> None:
    before = history().digest({"one"}, [])
    assert history().digest({"one"}, []) == before
    with (tmp_path / name).open("a") as file:
        file.write("# Changed\n")
    assert history().digest({"one"}, []) != before


def test_digest_is_of_the_target_and_of_what_is_there_before(
    history: Callable[[], History],
) -> None:
    digests = {
        history().digest({"one"}, []),
        history().digest((), []),
        history().digest({"one"}, ["create schema storage"]),
    }
    assert len(digests) == 3


@pytest.mark.exhaustive
def test_second_check_runs_no_revision(
    servers: Servers,
    at_head_on: Callable[[Databases], AtHead],
    tmp_path: Path,
    monkeypatch: MonkeyPatch,
) -> None:
    version = VERSIONS[-1]
    if version == NAMED:
        pytest.skip("the server that was named may have any version")
    monkeypatch.chdir(tmp_path)
    url = at_head_on(Databases(servers.url(version))).url
    counts = [_statements_of(lambda: check(url, role="authenticated")) for _ in range(2)]
    assert counts[1] < counts[0] / 3


def _statements_of(run: Callable[[], object]) -> int:
    statements: list[str] = []

    def count(*arguments: Any) -> None:  # noqa: ANN401 - of SQLAlchemy
        statements.append(arguments[2])

    event.listen(Engine, "before_cursor_execute", count)
    try:
        run()
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    return len(statements)
