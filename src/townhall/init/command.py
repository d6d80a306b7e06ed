"""The command ``townhall init``."""
# ruff: noqa: T201 - printing is what the command is for

from __future__ import annotations

import argparse
from pathlib import Path

from townhall.init.files import Kind, package_name, write_application


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(), help="where to (default: the current one)"
    )
    parser.add_argument(
        "--package", help="the name of the Python package (default: that of the folder)"
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--engine-only", action="store_true", help="without townhall's own tables")
    kind.add_argument("--fastapi", action="store_true", help="with an API, by FastAPI")


def init(options: argparse.Namespace) -> int:
    """Write the first files of an application: alembic.ini, env.py, conftest.py and a package.

    Raises:
        CommandError: The name can't be that of a new package, or a file exists already.
    """
    package = options.package or package_name(options.folder)
    write_application(options.folder, package, _kinds(options))
    print(f"alembic.ini, migrations/ and {package}/ are in {options.folder.resolve()}.")
    print(f"Declare tables in {package}/models.py. Then run there:\n")
    for line in _NEXT[1 if options.engine_only else 0 :]:
        print(f"    python -m alembic {line}")
    print("\nDATABASE_URL names the database; without it the embedded server in .townhall is used.")
    return 0


def _kinds(options: argparse.Namespace) -> tuple[Kind, ...]:
    if options.engine_only:
        return ("engine",)
    return ("product", "fastapi") if options.fastapi else ("product",)


_NEXT = (
    "upgrade heads    # townhall's tables",
    'revision --autogenerate -m "First tables"',
    "upgrade heads",
    "check",
)
