"""Which files an application begins with."""

from __future__ import annotations

import importlib.util
import keyword
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Literal

from alembic.util import CommandError

from townhall.as_owner import as_owner_of
from townhall.ini import can_be_read_in
from townhall.migrate.commands import SCRIPT_LOCATION

Kind = Literal["product", "engine", "fastapi"]
"""An application on top of townhall's tables, one without them, and an API in addition."""

_PLACES = {
    "alembic.ini": "alembic.ini",
    "conftest.py": "conftest.py",
    "env.py": "migrations/env.py",
    "package.py": "{package}/__init__.py",
}
"""Where each template is written to; the others are modules of the package."""


def write_application(folder: Path, package: str, kinds: Sequence[Kind]) -> None:
    """Write the files of a new application.

    Args:
        folder: Where to; it is created where it does not exist.
        package: The name of its Python package.
        kinds: What the application consists of.

    Raises:
        CommandError: The name can't be that of a new package, or a file exists already; then
            nothing is written.
    """
    refuse_name(folder, package)
    contents = {folder / name: text for name, text in _contents(package, kinds).items()}
    existing = [str(path.relative_to(folder)) for path in contents if path.exists()]
    if existing:
        raise CommandError(
            f"{', '.join(existing)}: exists already in {folder.resolve()}, and is not overwritten."
            " Move it away, or begin in another folder."
        )
    with as_owner_of(folder):
        (folder / "migrations" / "versions").mkdir(parents=True, exist_ok=True)
        for path, text in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def package_name(folder: Path) -> str:
    """Return the name of a package that follows from that of a folder, which may be none."""
    return re.sub(r"\W+", "_", folder.resolve().name.lower()).strip("_")


def _contents(package: str, kinds: Sequence[Kind]) -> dict[str, str]:
    templates = files("townhall.init") / "templates"
    contents = {
        _place(template.name.removesuffix(".txt"), package): Template(
            template.read_text(encoding="utf-8")
        ).substitute(package=package)
        for kind in kinds
        for template in (templates / kind).iterdir()
    }
    script = SCRIPT_LOCATION / "script.py.mako"
    return {**contents, "migrations/script.py.mako": script.read_text(encoding="utf-8")}


def _place(template: str, package: str) -> str:
    return _PLACES.get(template, f"{{package}}/{template}").format(package=package)


def refuse_name(folder: Path, package: str, option: str = "--package") -> None:
    """Refuse what can't be the name of a new package, or the folder of its ``alembic.ini``.

    Args:
        folder: The folder of the application.
        package: The name.
        option: The option of the command that takes another one.

    Raises:
        CommandError: It is no name, or another module has it, or Alembic can't read its
            configuration in that folder.
    """
    if not can_be_read_in(folder):
        raise CommandError(
            f"the path {folder.resolve()} has a %, with which Alembic can't read an alembic.ini:"
            " take another folder, or rename it"
        )
    if not package.isidentifier() or keyword.iskeyword(package):
        raise CommandError(
            f"{package!r} can't be the name of a package: pass another one with {option}"
        )
    if package == "migrations" or (
        not (folder / package).exists() and importlib.util.find_spec(package) is not None
    ):
        raise CommandError(f"there is a module {package} already: pass another name with {option}")
