"""The code that decides what revisions make: their own, and what they import."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import alembic
import sqlalchemy
from alembic.config import Config
from alembic.script import ScriptDirectory

# SQL in a text may look like an import; its words name no package, and are passed over.
_IMPORT = re.compile(r"^\s*(?:from|import)\s+([\w., ]+)", re.MULTILINE)
_READ = {".sql", ".csv", ".json"}
_BY_VERSION = {each.__name__: each.__version__ for each in (alembic, sqlalchemy)}


def digest(config: Config, script: ScriptDirectory, *others: object) -> str:
    """Return a hash of all that decides what revisions make in an empty database.

    Of the packages that they import the whole code counts, and of Alembic and SQLAlchemy the
    version. So do the files of SQL and of rows in those packages and in the folders of the
    revisions and of ``env.py``, since a revision may read them.

    Args:
        config: The configuration.
        script: The revisions.
        others: What else decides, with a ``repr`` that has all of it.
    """
    revisions = sorted(Path(each.path) for each in script.walk_revisions())
    imported = {name for each in revisions for name in _imported(each)}
    configured = filter(None, (config.config_file_name, script.env_py_location))
    folders = {Path(script.dir).resolve(), *(each.resolve().parent for each in revisions)}
    beside = sorted({file for each in folders for file in _files_in(each) if file.suffix in _READ})
    files = (*map(Path, configured), *revisions, *beside, *_files_of(imported))
    found = sha256(repr((_BY_VERSION, others)).encode())
    for file in files:
        code = file.read_bytes()
        found.update(f"{file.name} {len(code)}\n".encode())
        found.update(code)
    return found.hexdigest()


def _imported(file: Path) -> Iterator[str]:
    for names in _IMPORT.findall(file.read_text("utf-8")):
        for name in names.split(","):
            yield name.strip().partition(".")[0].partition(" ")[0]


def _files_of(packages: Iterable[str]) -> Iterator[Path]:
    known = {*_BY_VERSION, *sys.stdlib_module_names, ""}
    for name in sorted({*packages} - known):
        spec = find_spec(name)
        if spec is None:
            continue
        if spec.origin is not None and Path(spec.origin).is_file():
            yield Path(spec.origin)
        for folder in spec.submodule_search_locations or ():
            yield from sorted(
                file for file in _files_in(Path(folder)) if file.suffix in {".py", *_READ}
            )


def _files_in(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder, without those of hidden folders, such as environments."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if not each.startswith((".", "__pycache__"))]
        yield from (Path(parent, name) for name in names)
