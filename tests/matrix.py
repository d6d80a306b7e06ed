"""The tests with other versions of the dependencies, on each version of PostgreSQL.

A cell is one set of versions on one PostgreSQL: ``lowest-15``. Each set has an environment of its
own in ``.venv-matrix/``. ``make test-matrix`` runs all cells, ``make test-matrix CELLS=lowest-18``
some of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import venv
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.support.servers import NAMED, serve_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parent.parent
ENVIRONMENTS = ROOT / ".venv-matrix"
VERSIONS = ("lowest", "sqlalchemy-2.0", "highest")
POSTGRESQL = ("15", "16", "18")
OF_THE_TEXT = (
    "tests/structure/test_blocks.py",
    "tests/structure/test_imports.py",
)
"""Tests that read the text of this repository alone, which is one in every cell: none runs them."""
CELLS = tuple(f"{versions}-{postgresql}" for versions in VERSIONS for postgresql in POSTGRESQL)


def constraints(versions: str) -> list[str]:
    """Return what a set of versions asks of pip; what it leaves open is the newest."""
    if versions == "lowest":
        return sorted(lowest_versions((ROOT / "pyproject.toml").read_text()))
    return ["sqlalchemy<2.1"] if versions == "sqlalchemy-2.0" else []


def lowest_versions(pyproject: str) -> Iterator[str]:
    """Yield the lower bound of each dependency and extra as a pin.

    Args:
        pyproject: The text of a ``pyproject.toml``.

    Raises:
        ValueError: A dependency has no lower bound.
    """
    project = tomllib.loads(pyproject)["project"]
    extras = project.get("optional-dependencies", {}).values()
    bounds: dict[str, Version] = {}
    for requirement in map(Requirement, sum(extras, project["dependencies"])):
        if requirement.name == project["name"]:
            continue
        versions = [each.version for each in requirement.specifier if each.operator in {">=", "=="}]
        if not versions:
            raise ValueError(f"{requirement} has no lower bound")
        known = [bounds[requirement.name]] if requirement.name in bounds else []
        bounds[requirement.name] = max(known + [Version(version) for version in versions])
    for name, version in bounds.items():
        yield f"{name}=={version}"


def install(versions: str) -> Path:
    """Make the environment of a set of versions, or bring it up to date.

    Args:
        versions: One of ``VERSIONS``.

    Returns:
        Its interpreter.
    """
    directory = ENVIRONMENTS / versions
    python = directory / "bin" / "python"
    exists = python.exists()
    if not exists:
        venv.create(directory, with_pip=True)
    pins = directory / "constraints.txt"
    pins.write_text("\n".join(constraints(versions)))
    options = ["--quiet", "--constraint", str(pins)]
    if exists and versions != "lowest":  # a new one has the newest
        options += ["--upgrade", "--upgrade-strategy=eager"]
    _run(python, "-m", "pip", "install", *options, "--editable", f"{ROOT}[test]")
    return python


def run_tests(python: Path, postgresql: str, arguments: Sequence[str]) -> bool:
    """Run the tests with an interpreter on a version of PostgreSQL, and say whether they passed."""
    # The tests bring the newest along themselves.
    server = nullcontext() if postgresql == POSTGRESQL[-1] else serve_version(postgresql)
    with server as url:
        named = {NAMED: url} if url else {}
        left_out = (f"--ignore={path}" for path in OF_THE_TEXT)
        return _run(python, "-m", "pytest", *arguments, *left_out, check=False, **named) == 0


def _run(python: Path, *arguments: str, check: bool = True, **environment: str) -> int:
    done = subprocess.run(  # noqa: S603  an interpreter that was made here
        (python, *arguments), cwd=ROOT, env=os.environ | environment, check=check
    )
    return done.returncode


def main() -> None:
    """Run the cells named on the command line, or all; what follows ``--`` is for pytest."""
    arguments = sys.argv[1:]
    end = arguments.index("--") if "--" in arguments else len(arguments)
    cells = arguments[:end] or CELLS
    if unknown := set(cells) - set(CELLS):
        sys.exit(f"no such cell: {', '.join(sorted(unknown))}; there are {', '.join(CELLS)}")
    failed = []
    for cell in cells:
        versions, _, postgresql = cell.rpartition("-")
        print(f"== {cell}", flush=True)  # noqa: T201
        try:
            passed = run_tests(install(versions), postgresql, arguments[end + 1 :])
        except pytest.skip.Exception as missing:
            sys.exit(str(missing))
        if not passed:
            failed.append(cell)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
