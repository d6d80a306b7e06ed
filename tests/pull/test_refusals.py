"""What a pull refuses, in one paragraph, before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from townhall.cli import main
from townhall.testing.databases import Databases


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return what the command says when it fails."""
    assert main(["pull", *words]) != 0
    told = capsys.readouterr().err.strip()
    assert told.startswith("townhall: ")
    assert "\n" not in told
    return told


@pytest.mark.parametrize("name", ["class", "a-b", "alembic", "migrations"])
def test_name_that_can_not_be_that_of_a_package_is_refused(
    capsys: pytest.CaptureFixture[str], empty_database: str, tmp_path: Path, name: str
) -> None:
    told = refused(capsys, str(tmp_path), "--url", empty_database, "--into", name)
    assert "--into" in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("existing", ["alembic.ini", "shop/models.py", "migrations/env.py"])
def test_existing_file_is_not_overwritten(
    capsys: pytest.CaptureFixture[str], empty_database: str, tmp_path: Path, existing: str
) -> None:
    mine = tmp_path / existing
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_text("mine\n")
    told = refused(capsys, str(tmp_path), "--url", empty_database, "--into", "shop")
    assert "--force" in told
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [mine]
    assert mine.read_text() == "mine\n"


@pytest.mark.thorough
def test_second_pull_keeps_modules_of_the_package_that_it_does_not_write(
    capsys: pytest.CaptureFixture[str],
    empty_database: str,
    townhall_databases: Databases,
    tmp_path: Path,
) -> None:
    words = [str(tmp_path), "--url", empty_database, "--into", "shop", "--force"]
    words += ["--scratch", townhall_databases.server.render_as_string(hide_password=False)]
    mine = tmp_path / "shop" / "public" / "models.py"
    mine.parent.mkdir(parents=True)
    mine.write_text("import os\n\n\nmine  =  1\n")
    assert main(["pull", *words]) == 0
    assert "shop/public/models.py" in capsys.readouterr().out
    assert mine.read_text() == "import os\n\n\nmine  =  1\n"


def test_second_pull_beside_later_revisions_is_refused(
    capsys: pytest.CaptureFixture[str], empty_database: str, tmp_path: Path
) -> None:
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    first, later = versions / "shop_0001_pulled.py", versions / "a1b2_mine.py"
    first.write_text("first = 1\n")
    later.write_text("later = 2\n")
    told = refused(capsys, str(tmp_path), "--url", empty_database, "--into", "shop", "--force")
    assert "a1b2_mine.py" in told
    assert [first.read_text(), later.read_text()] == ["first = 1\n", "later = 2\n"]


@pytest.mark.parametrize("schema", ["missing", "auth"])
def test_schema_that_can_not_be_pulled_is_refused(
    capsys: pytest.CaptureFixture[str], empty_database: str, tmp_path: Path, schema: str
) -> None:
    told = refused(
        capsys, str(tmp_path), "--url", empty_database, "--into", "shop", "--schema", schema
    )
    assert f"schema {schema}" in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["mysql://nowhere/x", "postgresql://nobody@/none?host=/nowhere"])
def test_database_that_can_not_be_read_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, url: str
) -> None:
    refused(capsys, str(tmp_path), "--url", url, "--into", "shop")
    assert list(tmp_path.iterdir()) == []
