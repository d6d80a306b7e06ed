"""The walk from an empty folder to an application, followed word for word."""

from __future__ import annotations

import re
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import URL, make_url

from tests.support.blocks import blocks_of
from tests.support.package import ROOT, build_wheel, run
from tests.support.supabase import DefaultPrivileges, supabase_database
from tests.support.walk import Walk, environment, typed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from townhall.testing.databases import Databases

MINUTES = 15
PER_MINUTE = 300
"""The characters that a practised developer types."""

INSTALL, *BLOCKS = blocks_of("docs/walk.md")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the built wheel."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def _login_is_new(townhall_databases: Databases) -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    """Drop the login role that the page creates, before and after."""
    _drop_login(townhall_databases.server)
    yield
    _drop_login(townhall_databases.server)


def _drop_login(server: URL) -> None:
    with psycopg.connect(_libpq(server), autocommit=True) as connection:
        connection.execute("drop role if exists dinners_app")


def _libpq(url: URL | str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _variables(production: str, supabase: str) -> dict[str, str]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    return {
        "APP_PASSWORD": "secret",
        "PRODUCTION_URL": _libpq(production),
        "SUPABASE_URL": _libpq(supabase),
        "UVICORN_PORT": port,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    empty = tmp_path / "empty"
    empty.mkdir()
    return empty


def test_walk_is_typed_in_the_time_that_it_tells() -> None:
    page = (ROOT / "docs" / "walk.md").read_text(encoding="utf-8")
    told = re.search(r"there are (\d),(\d{3}) to type", page)
    assert told is not None
    assert len(typed([INSTALL, *BLOCKS])) <= int(told[1] + told[2]) <= MINUTES * PER_MINUTE


def test_lines_that_are_marked_are_those_that_change() -> None:
    files: dict[str | None, str] = {}
    changed = [block for block in BLOCKS if block.emphasized]
    for block in BLOCKS:
        if block.emphasized:
            before = files[block.caption].splitlines()
            lines = enumerate(block.text.splitlines(), start=1)
            assert block.emphasized == tuple(n for n, line in lines if line not in before)
        files[block.caption] = block.text
    assert changed


@pytest.mark.thorough
@pytest.mark.usefixtures("_login_is_new")
def test_walk_from_an_empty_folder_runs_as_it_is_written(
    wheel: Path, folder: Path, townhall_databases: Databases, townhall_template: str
) -> None:
    package = folder.parent / "package"
    pip = (sys.executable, "-m", "pip", "install", "--quiet")
    run(*pip, "--no-deps", "--target", package, wheel)
    # In place of an environment of its own, which takes minutes to install.
    activate = folder / "dinners" / ".venv" / "bin" / "activate"
    activate.parent.mkdir(parents=True)
    activate.touch()
    programs = (package / "bin", Path(sys.executable).parent)
    create = townhall_databases.create
    with create(townhall_template) as production, create(townhall_template) as supabase:
        variables = _variables(production, supabase) | {"PYTHONPATH": str(package)}
        walk = Walk(folder, environment(*programs, **variables))
        walk.follow([replace(INSTALL, text="cd dinners"), *BLOCKS])


@pytest.mark.exhaustive
@pytest.mark.usefixtures("_login_is_new")
def test_walk_runs_in_an_environment_of_its_own_and_on_supabase(
    wheel: Path, folder: Path, townhall_databases: Databases, empty_database: str
) -> None:
    # As the page says of a package that is on no index.
    install = replace(INSTALL, text=INSTALL.text.replace("townhall[", f"{wheel}["))
    with supabase_database(townhall_databases, DefaultPrivileges.CLOSED) as supabase:
        variables = _variables(empty_database, supabase.postgres)
        python = Path(sys.executable).parent
        Walk(folder, environment(python, **variables)).follow([install, *BLOCKS])


@pytest.mark.exhaustive
def test_pages_that_install_the_package_run(wheel: Path, folder: Path, empty_database: str) -> None:
    run(sys.executable, "-m", "venv", folder / "venv")
    walk = Walk(folder, environment(folder / "venv" / "bin"))
    built = f"'{wheel}"
    (testing,) = blocks_of("docs/testing.md", "shell")
    embedded = blocks_of("docs/start.md", "shell", under="With the embedded PostgreSQL")
    (own,) = blocks_of("docs/start.md", "shell", under="On a database of your own")
    walk.follow(
        [
            embedded[0].with_values({"'townhall": built}),
            *embedded[1:],
            own.with_values(
                {"install townhall": f"install {built}'", "postgresql://…": _libpq(empty_database)}
            ),
            testing.with_values({"'townhall": built}),
        ]
    )
