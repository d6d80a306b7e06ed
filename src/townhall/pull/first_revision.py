"""The first revision, which autogenerate writes against an empty scratch database."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic.util import CommandError
from sqlalchemy import URL

from townhall.check.scratch import scratch_database
from townhall.check.shared import copy
from townhall.pull.literals import argument
from townhall.pull.roles import existing, named_roles
from townhall.pull.source import Source, roles_of
from townhall.roles import Roles

_INI = """
[alembic]
script_location = %(here)s
version_locations = {versions}
path_separator = newline
prepend_sys_path = {folder}
file_template = %%(rev)s_%%(slug)s
"""
_TEMPLATE = '''"""${message}.

The schema as it was found. On the database that it was read from, `alembic stamp head` tells
Alembic that it is there already. A downgrade drops everything, with all rows.

Revision: ${up_revision}
Revises: ${down_revision | comma,n}
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from townhall import pg
from townhall.migrate import safety
from townhall.roles import Roles
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
<%text>
@roles@
</%text>
    ${upgrades if upgrades else "pass"}
<%text>
@statements@
</%text>


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
'''


def write_first_revision(folder: Path, package: str, source: Source, scratch: str | None) -> None:
    """Write the first revision of a pulled application.

    Args:
        folder: The folder of the application.
        package: The name of its package.
        source: The database that it was read from.
        scratch: The URL of a server for the scratch database; None for the embedded server.

    Raises:
        CommandError: Autogenerate failed; the message is its own.
    """
    with (
        scratch_database(source.version, scratch) as database,
        TemporaryDirectory(prefix="townhall_pull_") as place,
        existing(database, named_roles(source.entities)),
    ):
        copy(source.platform, database)
        _prepare(Path(place), folder, source)
        _autogenerate(Path(place), f"{package}_0001", database)
    _refuse_undecided(folder / "migrations" / "versions", f"{package}_0001")


def _prepare(place: Path, folder: Path, source: Source) -> None:
    versions = folder / "migrations" / "versions"
    shutil.copy(folder / "migrations" / "env.py", place)
    calls, roles = "\n".join(_calls(source)), roles_of(source)
    template = _TEMPLATE.replace("@statements@", calls).replace("@roles@", _create(roles))
    (place / "script.py.mako").write_text(template, encoding="utf-8")
    ini = _INI.format(versions=_escaped(versions), folder=_escaped(folder))
    (place / "alembic.ini").write_text(ini, encoding="utf-8")


def _create(roles: Roles) -> str:
    if not roles.names:
        return ""
    every = ("anonymous", "user", "service")
    given = ", ".join(f"{each}={getattr(roles, each)!r}" for each in every)
    return f"    safety.create_roles(Roles({given}))"


def _calls(source: Source) -> Iterable[str]:
    # What models and entities can't declare, which a comparison leaves alone.
    for definition in source.definitions.values():
        for statement in definition.undeclared_statements():
            yield f"    pg.execute({argument(statement)})"


def _autogenerate(place: Path, revision: str, database: URL) -> None:
    # Another process, so that the application is imported there and not here.
    command = [sys.executable, "-m", "alembic", "--config", str(place / "alembic.ini"), "revision"]
    command += ["--autogenerate", "-m", "The schema as it was pulled", "--rev-id", revision]
    url = database.render_as_string(hide_password=False)
    done = subprocess.run(  # noqa: S603 - Alembic, with arguments of ours
        command,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "DATABASE_URL": url, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    if done.returncode:
        told = f"{done.stdout}\n{done.stderr}".strip().splitlines()
        failed = (line for line in told if line.startswith("FAILED"))
        reason = next(failed, " ".join(told[-1:])).removeprefix("FAILED: ")
        raise CommandError(
            f"the files are written, and the first revision is not: {reason} Correct what the"
            " message names, then run: python -m alembic revision --autogenerate --rev-id"
            f" {revision} on an empty database."
        )


def _refuse_undecided(versions: Path, revision: str) -> None:
    for path in versions.glob(f"{revision}_*.py"):
        if "    pg.undecided(" in path.read_text(encoding="utf-8"):
            raise CommandError(
                f"{path} has steps that PostgreSQL refused, each marked as undecided: write there"
                " what is to be done before the revision makes another database. The database that"
                " was read needs it only for the stamp."
            )


def _escaped(path: Path) -> str:
    return str(path.resolve()).replace("%", "%%")
