"""The domain of ``docs/examples/domain``, added to a copy of the package as the guide says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import townhall
from tests.support.blocks import blocks_of
from tests.support.walk import Walk, environment

REPOSITORY = Path(__file__).parents[2]
EXAMPLE = REPOSITORY / "docs" / "examples" / "domain" / "venues"
GUIDE = REPOSITORY / "docs" / "domains.md"

MOST_FILES = 6
MOST_LINES = 70


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of the package and its revisions that has the domain as well."""
    ignored = shutil.ignore_patterns("__pycache__")
    package = tmp_path / "src" / "townhall"
    shutil.copytree(Path(townhall.__file__).parent, package, ignore=ignored, symlinks=True)
    shutil.copytree(REPOSITORY / "alembic", tmp_path / "alembic", ignore=ignored)
    shutil.copy(REPOSITORY / "alembic.ini", tmp_path)
    shutil.copytree(EXAMPLE, package / "domains" / "venues", ignore=ignored)
    domains = package / "domains" / "__init__.py"
    listed = domains.read_text(encoding="utf-8")
    extended = listed.replace('"wizard")', '"wizard", "venues")')
    assert extended != listed
    domains.write_text(extended, encoding="utf-8")
    return tmp_path


def alembic(checkout: Path, url: str, *words: str) -> str:
    done = subprocess.run(  # noqa: S603 - Alembic on a copy of ours
        (sys.executable, "-m", "alembic", *words),
        cwd=checkout,
        env=os.environ | {"DATABASE_URL": url, "PYTHONPATH": str(checkout / "src")},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_domain_fits_into_six_files_and_seventy_lines() -> None:
    files = list(EXAMPLE.glob("*.py"))
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files)
    assert len(files) + 1 <= MOST_FILES  # and the list of domains
    assert lines + 1 <= MOST_LINES


def test_guide_shows_every_file_of_the_domain() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    assert [path.name for path in EXAMPLE.glob("*.py") if f"venues/{path.name}" not in guide] == []


@pytest.mark.thorough
def test_domain_without_tests_and_page_fails_the_test_of_domains(checkout: Path) -> None:
    program = (
        "from tests.structure.completeness import gaps, load_domain\n"
        "from townhall.domains import DOMAINS\n"
        "print(*gaps(load_domain(DOMAINS[-1])), sep='\\n')"
    )
    done = subprocess.run(  # noqa: S603 - a program of ours
        (sys.executable, "-c", program),
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(checkout / "src")},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.stdout.splitlines() == [
        "there is no tests/venues/test_access.py",
        "there is no page docs/venues.md",
    ], done.stderr


@pytest.mark.exhaustive
def test_adding_the_domain_generates_a_revision_with_its_table_policies_trigger_and_view(
    checkout: Path, empty_database: str
) -> None:
    alembic(checkout, empty_database, "upgrade", "head")
    folder = checkout / "alembic" / "versions"
    before = set(folder.glob("*.py"))
    variables = {"DATABASE_URL": empty_database, "PYTHONPATH": str(checkout / "src")}
    walk = Walk(checkout, environment(Path(sys.executable).parent, **variables))
    walk.follow(blocks_of("docs/domains.md", "shell"))
    (made,) = set(folder.glob("*.py")) - before
    upgrade, downgrade = made.read_text(encoding="utf-8").split("def downgrade")
    assert upgrade.count("op.create_table(") == 1
    assert upgrade.count("pg.TableAccess(") == 1
    assert upgrade.count("pg.Policy(") == 5  # four commands and the service
    assert upgrade.count("pg.Trigger(") == 1
    assert upgrade.count("pg.View(") == 1
    assert downgrade.count("op.drop_table(") == 1

    alembic(checkout, empty_database, "upgrade", "head")
    assert "No new upgrade operations detected" in alembic(checkout, empty_database, "check")
    alembic(checkout, empty_database, "downgrade", "-1")
    alembic(checkout, empty_database, "upgrade", "head")
