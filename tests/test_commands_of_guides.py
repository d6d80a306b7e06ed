"""The commands of the guides that need nothing but a folder and a database run in a shell."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.blocks import blocks_of
from tests.support.walk import Walk, environment
from townhall.cli import main

if TYPE_CHECKING:
    from townhall.testing.databases import Databases

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
        urls = iter((townhall_database, other))
        cells = re.sub(r"postgresql://.*", lambda _: next(urls).replace("%", "%%"), CELLS.text)
        (folder / "alembic.ini").write_text(INI.text + cells)
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
