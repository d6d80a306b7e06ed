"""What a command or an import loads: no more than it needs, since loading is most of its time."""
# ruff: noqa: S603 - the programs that are run are ours

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import townhall
from townhall.cli import COMMANDS

PACKAGE = Path(townhall.__file__).parent
REPOSITORY = Path(__file__).parents[2]
_REPORT = "\nimport sys; print('\\n' + ' '.join(sys.modules))"


def loaded_by(program: str) -> set[str]:
    """Return the modules that a program has loaded in the end."""
    done = subprocess.run(
        [sys.executable, "-c", program + _REPORT],
        check=True,
        capture_output=True,
        cwd=REPOSITORY,
        text=True,
    )
    return {*done.stdout.splitlines()[-1].split()}


def in_packages(modules: set[str], *packages: str) -> list[str]:
    return sorted(each for each in modules if each.startswith(packages))


def command(*words: str) -> str:
    return (
        "from contextlib import suppress\n"
        "from townhall.cli import main\n"
        f"with suppress(SystemExit): main({words!r})"
    )


def test_help_loads_no_library_and_no_command() -> None:
    loaded = loaded_by(command("--help"))
    assert in_packages(loaded, "alembic", "psycopg", "pydantic", "sqlalchemy") == []
    assert [each for each in loaded if each in {module for module, _ in COMMANDS.values()}] == []


@pytest.mark.thorough
def test_pytest_plugin_loads_nothing_but_its_fixtures(tmp_path: Path) -> None:
    (tmp_path / "test_none.py").write_text("def test_none(): pass")
    arguments = [str(tmp_path), f"--rootdir={tmp_path}", "-p", "townhall.testing", "-q"]
    loaded = loaded_by(
        "import os, pytest\n"
        "os.environ['PYTEST_DISABLE_PLUGIN_AUTOLOAD'] = '1'\n"
        f"assert pytest.main({arguments}) == 0"
    )
    assert in_packages(loaded, "townhall") == [
        "townhall",
        "townhall.lazy_names",
        "townhall.testing",
        "townhall.testing.fixtures",
    ]
    assert in_packages(loaded, "alembic", "psycopg", "pydantic", "sqlalchemy") == []


@pytest.mark.thorough
def test_url_loads_neither_the_driver_nor_a_migration() -> None:
    loaded = loaded_by(command("url", "--url", "postgresql://localhost/x"))
    assert in_packages(loaded, "psycopg", "pydantic", "townhall.check", "townhall.pg") == []
    assert in_packages(loaded, "townhall.migrate.") == ["townhall.migrate.urls"]


_ALEMBIC = "import alembic.config\nalembic.config.main({words!r})"
OF_COMPARISON = ("townhall.migrate.autogenerate", "townhall.migrate.compare.entities")
OF_REVISIONS = (
    "townhall.adopt",
    "townhall.check",
    "townhall.migrate.trial.trying",
    "townhall.migrate.write.rendering",
    "townhall.pull",
)


@pytest.mark.thorough
@pytest.mark.parametrize("words", [("current",), ("upgrade", "head")])
def test_command_that_compares_nothing_loads_no_comparison(
    words: tuple[str, ...], townhall_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", townhall_database)
    loaded = loaded_by(_ALEMBIC.format(words=words))
    assert "townhall.migrate.environment" in loaded
    assert in_packages(loaded, *OF_COMPARISON, *OF_REVISIONS) == []


@pytest.mark.thorough
def test_check_that_finds_nothing_loads_neither_trial_nor_what_writes_operations(
    townhall_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", townhall_database)
    loaded = loaded_by(_ALEMBIC.format(words=("check",)))
    assert loaded > {*OF_COMPARISON}
    assert in_packages(loaded, *OF_REVISIONS) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_of_a_command_what_its_function_says(name: str) -> None:
    module, summary = COMMANDS[name]
    function = getattr(importlib.import_module(module), name)
    assert function.__doc__.partition("\n")[0] == summary


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("__init__.pyi")), ids=lambda path: path.parent.name
)
def test_package_with_a_stub_has_every_name_of_it(path: Path) -> None:
    name = ".".join(path.parent.relative_to(PACKAGE.parent).parts)
    package = importlib.import_module(name)
    assert package.__all__
    assert all(hasattr(package, each) for each in package.__all__)
