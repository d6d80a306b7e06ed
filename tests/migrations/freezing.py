"""The frozen SQL of the revisions: what each emits, up and down, and the schema at head.

Revisions call the package's functions, which go on changing. The files in ``frozen/`` show what the
revisions emit, so that a change of them is seen in a review. ``make freeze`` writes them again.
"""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command

from tests.migrations.chain import HEAD, REVISIONS, sql_script
from tests.support.dump import dump
from townhall.migrate import upgrade
from townhall.testing.databases import Databases
from townhall.testing.servers import serve

if TYPE_CHECKING:
    from alembic.script import Script

DIRECTORY = Path(__file__).parent / "frozen"
CONSTRAINTS = DIRECTORY / "constraints.txt"
SCHEMA = DIRECTORY / "head.sql"

_REVISION = re.compile(r"^-- Running (?:upgrade|downgrade) (\S*) -> (\S*)\n", re.MULTILINE)
_VERSION_TABLE = re.compile(r"^(?:UPDATE|INSERT INTO|DELETE FROM) alembic_version\b", re.MULTILINE)
_OWNER = re.compile(r"^ALTER .* OWNER TO .*;\n", re.MULTILINE)


def path_of(script: Script, direction: str) -> Path:
    """Return the file with the SQL of a revision in a direction, ``up`` or ``down``."""
    _, _, name = Path(script.path).stem.partition("_")
    return DIRECTORY / f"{name}.{direction}.sql"


def emitted_sql() -> dict[Path, str]:
    """Return what each revision emits as a script, by the file that it is kept in."""
    scripts = {script.revision: script for script in REVISIONS}
    up = _pieces(sql_script(command.upgrade, f"base:{HEAD}"))
    down = _pieces(sql_script(command.downgrade, f"{HEAD}:base"))
    return {
        **{path_of(scripts[revision], "up"): text for _, revision, text in up},
        **{path_of(scripts[revision], "down"): text for revision, _, text in down},
    }


def _pieces(script: str) -> list[tuple[str, str, str]]:
    """Return the revision before each step of a script, the one after it, and its SQL."""
    _, *parts = _REVISION.split(script)
    return [
        (before, after, _normalized(_VERSION_TABLE.split(text)[0]))
        for before, after, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    ]


def _normalized(text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return lines.strip("\n") + "\n"


def schema_of(url: str) -> str:
    """Return the schema of a database as SQL, without the owners of its objects."""
    return _normalized(_OWNER.sub("", dump(url)))


def pinned_versions() -> dict[str, str]:
    """Return the version of each package for which the text of the files holds."""
    lines = CONSTRAINTS.read_text().splitlines()
    pins = (line.partition("==") for line in lines if not line.startswith("#"))
    return {name: pinned for name, _, pinned in pins}


def other_versions() -> str:
    """Say which pinned packages are installed in another version; nothing where none is."""
    others = [
        f"{name} {version(name)} instead of {pinned}"
        for name, pinned in pinned_versions().items()
        if version(name) != pinned
    ]
    return ", ".join(others)


def main() -> None:
    """Write all files again, and remove those of revisions that no longer exist."""
    if others := other_versions():
        raise SystemExit(f"{CONSTRAINTS} says for which versions the SQL is frozen; here: {others}")
    with serve() as server, Databases(server).create() as url:
        upgrade(url)
        files = {**emitted_sql(), SCHEMA: schema_of(url)}
    for path in set(DIRECTORY.glob("*.sql")) - set(files):
        path.unlink()
    for path, text in files.items():
        path.write_text(text)


if __name__ == "__main__":
    main()
