"""A pull of a database, and what has to follow from it."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from tests.support.alembic import alembic
from tests.support.dump import dump
from townhall.pull import Pulled, pull
from townhall.testing.databases import Databases

PACKAGE = "shop"
_CACHE = str(Path(__file__).parents[2] / ".mypy_cache" / "pulled")
_OWNER = re.compile(r"^ALTER .+ OWNER TO .+;\n", re.MULTILINE)
_OTHER_OWNERS = re.compile(r"^ALTER DEFAULT PRIVILEGES FOR ROLE supabase_", re.MULTILINE)


@dataclass(frozen=True)
class Application:
    """What was pulled, in a folder.

    Attributes:
        folder: The folder.
        source: The URL of the database that was read.
        scratch: The URL of the server for scratch databases.
    """

    folder: Path
    source: str
    scratch: str

    def pull(self, *, force: bool = False) -> Pulled:
        """Pull the database."""
        return pull(make_url(self.source), self.folder, PACKAGE, scratch=self.scratch, force=force)

    def stamp(self) -> None:
        """Tell Alembic that the database is there already."""
        alembic("stamp", "head", url=self.source, directory=self.folder)

    def check(self) -> str:
        """Return what `alembic check` says of the database."""
        done = alembic("check", url=self.source, directory=self.folder, check=False)
        return done.stdout + done.stderr

    def upgrade(self, url: str) -> None:
        """Run the first revision on another database."""
        alembic("upgrade", "head", url=url, directory=self.folder)

    def files(self) -> dict[str, str]:
        """Return every file that is written."""
        return {
            path.relative_to(self.folder).as_posix(): path.read_text(encoding="utf-8")
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }

    def lint(self) -> str:
        """Return what ruff and mypy find."""
        return "".join(
            self._tool(*words)
            for words in (
                ("ruff", "check", "--quiet", "--no-cache", "."),
                ("ruff", "format", "--check", "--quiet", "--no-cache", "."),
                (
                    "mypy",
                    "--strict",
                    "--no-error-summary",
                    "--cache-dir",
                    _CACHE,
                    "-p",
                    PACKAGE,
                ),
            )
        )

    def _tool(self, *words: str) -> str:
        done = subprocess.run(  # noqa: S603  the tools of this project
            (sys.executable, "-m", *words),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr


def execute(url: str, script: str) -> None:
    """Run a script in a database."""
    connection = psycopg.connect(libpq(url))
    with connection:
        connection.execute(script)
    connection.close()


def libpq(url: str) -> str:
    """Return a URL as libpq takes it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def restore(source: str, target: str) -> None:
    """Give a database the schema of another one, as pg_dump writes it.

    PostgreSQL's own rendering is no fixed point: a dump of a dump that was restored differs.
    """
    execute(target, f"set check_function_bodies = off;\n{dump(source)}")


def objects(url: str) -> list[str]:
    """Return the objects of a database as pg_dump has them, without owners and Alembic's table."""
    parts = re.split(r"\n\n+", _OWNER.sub("", dump(url)))
    return sorted(
        "\n".join(sorted(part.splitlines())) if part.startswith(("GRANT", "REVOKE")) else part
        for part in map(str.strip, parts)
        if part and "alembic_version" not in part and not _OTHER_OWNERS.search(part)
    )


def url_of(databases: Databases) -> str:
    """Return the URL of a server, as its superuser."""
    return databases.server.render_as_string(hide_password=False)
