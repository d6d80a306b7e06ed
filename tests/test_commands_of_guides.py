"""The commands of the guides run in a shell."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import URL, NullPool, create_engine, make_url, text

from tests.support.blocks import blocks_of
from tests.support.package import ROOT
from tests.support.supabase import DefaultPrivileges, supabase_database
from tests.support.walk import Walk, environment
from townhall.cli import main
from townhall.testing.databases import Databases
from townhall.testing.servers import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

(INI,) = blocks_of("docs/start.md", "ini")
(CELLS,) = blocks_of("docs/migrating.md", "ini")


def walk_in(folder: Path, url: str) -> Walk:
    """Return a shell in a folder, whose database is the given one."""
    return Walk(folder, environment(Path(sys.executable).parent, DATABASE_URL=url))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the configuration that the page on the start shows."""
    configured = tmp_path / "configured"
    configured.mkdir()
    (configured / "alembic.ini").write_text(INI.text)
    return configured


@pytest.mark.exhaustive
def test_commands_that_migrate_run(
    folder: Path,
    townhall_databases: Databases,
    townhall_owner: str | None,
    townhall_template: str,
    townhall_database: str,
) -> None:
    walk = walk_in(folder, townhall_database)
    walk.follow(blocks_of("docs/migrating.md", "shell", under="Migrating"))
    with townhall_databases.create(townhall_template, owner=townhall_owner) as other:
        cells = CELLS.with_values(
            {
                f"postgresql://migrator@{name}.example.com/app": url.replace("%", "%%")
                for name, url in (("berlin", townhall_database), ("vienna", other))
            }
        )
        (folder / "alembic.ini").write_text(INI.text + cells.text)
        walk.follow(blocks_of("docs/migrating.md", "shell", under="Several databases"))


@pytest.mark.thorough
def test_commands_after_a_stop_run(folder: Path, empty_database: str) -> None:
    walk_in(folder, empty_database).follow(blocks_of("docs/reliability.md", "shell"))


@pytest.mark.thorough
def test_commands_of_an_application_run(tmp_path: Path, townhall_database: str) -> None:
    application = tmp_path / "application"
    assert main(["init", str(application)]) == 0
    walk = walk_in(application, townhall_database)
    walk.follow(blocks_of("docs/extending.md", "shell"))
    assert [*application.rglob("*refunds*.py")]


@pytest.mark.exhaustive
def test_command_that_writes_a_revision_runs(tmp_path: Path, townhall_database: str) -> None:
    application = tmp_path / "application"
    assert main(["init", str(application)]) == 0
    walk = walk_in(application, townhall_database)
    walk.follow(blocks_of("docs/autogenerate.md", "shell"))
    assert [*application.rglob("*say_what_it_is_for.py")]


@pytest.mark.exhaustive
def test_commands_that_check_run(
    folder: Path, townhall_database: str, townhall_server: str
) -> None:
    walk = walk_in(folder, townhall_database)
    (first,) = blocks_of("docs/checking.md", "shell", under="Checking a database")
    (scheduled,) = blocks_of("docs/checking.md", "shell", under="As a scheduled job")
    (elsewhere,) = blocks_of("docs/checking.md", "shell", under="It only reads")
    walk.follow([scheduled.with_values({"authenticator": "authenticated"})])
    walk.follow(
        [
            first.with_values({"postgresql://app@db.example.org/app": '"$DATABASE_URL"'}),
            elsewhere.with_values(
                {"postgresql://postgres@localhost/postgres": f"'{townhall_server}'"}
            ),
        ],
        statuses=(1,),  # no policy applies to the role that owns the tables, or to a superuser
    )


@pytest.mark.thorough
@pytest.mark.usefixtures("townhall_owner")  # the roles of requests exist
def test_dangers_of_a_database_without_declarations_are_printed_as_shown(
    folder: Path, empty_database: str
) -> None:
    with create_engine(empty_database, poolclass=NullPool).begin() as connection:
        for statement in (
            "create table public.notes (id integer primary key, words text)",
            "create table public.rooms (id integer primary key)",
            "grant select on public.notes, public.rooms to anon",
            "alter table public.rooms enable row level security",
            "grant update on public.rooms to anon",
            "create policy open on public.rooms for update to anon using (true)",
        ):
            connection.execute(text(statement))
    blocks = blocks_of("docs/checking.md", "shell", "text", under="Dangerous rules")
    walk_in(folder, empty_database).follow(blocks, statuses=(1,))


@pytest.fixture(scope="module")
def own_server() -> Iterator[URL]:
    """Yield the URL of the superuser of a server that has no roles yet."""
    with serve() as url:
        yield make_url(url)


def for_libpq(url: URL | str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.mark.exhaustive
def test_guide_to_plain_postgresql_runs(folder: Path, own_server: URL) -> None:
    (statements,) = blocks_of("docs/postgresql.md", "sql")
    (migrate,) = blocks_of("docs/postgresql.md", "shell")
    with psycopg.connect(for_libpq(own_server), autocommit=True) as connection:
        for statement in statements.text.split(";")[:-1]:
            connection.execute(statement.encode())
    owner = for_libpq(own_server.set(username="dinners_owner", database="dinners"))
    shown = "postgresql://dinners_owner@HOST/dinners"
    walk_in(folder, owner).follow([migrate.with_values({shown: f"'{owner}'"})])


@pytest.mark.exhaustive
def test_guide_to_supabase_runs(folder: Path, own_server: URL) -> None:
    migrate, log_in, compare = blocks_of("docs/supabase.md", "shell")
    shown = "postgresql://postgres.PROJECT:PASSWORD@HOST:5432/postgres"
    server = Databases(own_server.render_as_string(hide_password=False))
    with supabase_database(server, DefaultPrivileges.OPEN) as project:
        owner = for_libpq(project.postgres)
        walk_in(folder, owner).follow([migrate.with_values({shown: owner}), log_in, compare])


@pytest.mark.thorough
def test_server_of_the_coaching_example_starts(townhall_template: str) -> None:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    variables = {"DATABASE_URL": townhall_template, "JWT_SECRET": "s" * 32, "UVICORN_PORT": port}
    walk = Walk(ROOT, environment(Path(sys.executable).parent, **variables))
    walk.follow(blocks_of("docs/coaching.md", "shell"))
