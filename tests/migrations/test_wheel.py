"""The distributions that are built, and an environment with nothing but the wheel."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.migrations.chain import HEAD, REVISIONS, SCRIPTS, revision_of
from tests.support.alembic import REPOSITORY, alembic

pytestmark = pytest.mark.exhaustive

REVISION_FILES = {Path(script.path).name for script in REVISIONS}


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the source distribution, and the wheel that was built of it."""
    pytest.importorskip("build")
    folder = tmp_path_factory.mktemp("built")
    _run(REPOSITORY, sys.executable, "-m", "build", "--outdir", str(folder), str(REPOSITORY))
    return folder


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    (wheel,) = built.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of an environment with the wheel and its dependencies."""
    folder = tmp_path_factory.mktemp("environment")
    _run(folder, sys.executable, "-m", "venv", str(folder))
    python = folder / "bin" / "python"
    _run(folder, str(python), "-m", "pip", "install", "--quiet", f"{wheel}[embedded]")
    return python


def _run(directory: Path, *command: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(  # noqa: S603  Python's own tools, and no shell
        command, cwd=directory, env=environment, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_wheel_contains_the_migrations_once(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert len(names) == len(set(names))
    ours = {name for name in names if "alembic" in name}
    assert ours == {
        "townhall/alembic/env.py",
        "townhall/alembic/script.py.mako",
        *(f"townhall/alembic/versions/{name}" for name in REVISION_FILES),
    }
    assert "townhall/py.typed" in names
    assert not [name for name in names if name.startswith("tests")]


def test_source_distribution_contains_the_migrations_once_and_can_be_used(
    built: Path, tmp_path: Path
) -> None:
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    found = sorted(path.relative_to(unpacked) for path in unpacked.rglob("20*_townhall_*.py"))
    assert found == sorted(Path("alembic/versions", name) for name in REVISION_FILES)
    heads = (
        f"import sys; sys.path.insert(0, {str(unpacked / 'src')!r});"
        "from alembic.script import ScriptDirectory; from townhall.migrate import alembic_config;"
        "print(ScriptDirectory.from_config(alembic_config()).get_heads())"
    )
    assert _run(tmp_path, sys.executable, "-c", heads) == f"{SCRIPTS.get_heads()}\n"


def test_application_migrates_with_only_the_wheel(
    python: Path, empty_database: str, tmp_path: Path
) -> None:
    code = "import sys; from townhall import migrate; migrate.upgrade(sys.argv[1])"
    _run(tmp_path, str(python), "-I", "-c", code, empty_database)
    assert revision_of(empty_database) == HEAD
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = townhall:alembic\n")
    for command in (("check",), ("downgrade", "base")):
        alembic(*command, url=empty_database, directory=tmp_path, python=python)
    assert revision_of(empty_database) is None


def test_installed_wheel_migrates_the_embedded_server(python: Path, tmp_path: Path) -> None:
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = townhall:alembic\n")
    done = alembic("upgrade", "head", directory=tmp_path, python=python)
    assert done.returncode == 0
    assert alembic("current", directory=tmp_path, python=python).stdout == f"{HEAD} (head)\n"
