"""The built package, installed alone: each Python that is here, the lowest and highest versions."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.matrix import constraints
from tests.support.package import build_wheel, run

PYTHONS = ("3.11", "3.12", "3.13")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


def _interpreter(version: str) -> str:
    program = shutil.which(f"python{version}")
    # A name on the path may be a shim of a version that is not installed.
    command = (program or "false", "-c", "import ensurepip, venv")
    if subprocess.run(command, capture_output=True, check=False).returncode:  # noqa: S603  Python
        pytest.skip(f"Python {version} is not here")
    return str(program)


@pytest.mark.exhaustive
@pytest.mark.parametrize("versions", ["lowest", "highest"])
@pytest.mark.parametrize("python", PYTHONS)
def test_package_alone_begins_and_migrates_an_application(
    wheel: Path, tmp_path: Path, python: str, versions: str
) -> None:
    environment, shop = tmp_path / "venv", tmp_path / "shop"
    run(_interpreter(python), "-m", "venv", environment)
    pins = tmp_path / "constraints.txt"
    pins.write_text("\n".join(constraints(versions)))
    programs = environment / "bin"
    run(programs / "pip", "install", "--quiet", "--constraint", pins, f"{wheel}[embedded]")
    shop.mkdir()
    for command in (
        ("townhall", "init"),
        ("alembic", "upgrade", "heads"),
        ("alembic", "revision", "--autogenerate", "-m", "Sponsors"),
        ("alembic", "upgrade", "heads"),
        ("alembic", "check"),
    ):
        told = run(programs / command[0], *command[1:], folder=shop, PATH=os.environ["PATH"])
    assert "No new upgrade operations detected" in told
