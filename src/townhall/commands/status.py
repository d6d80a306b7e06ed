"""The command ``townhall status``."""
# ruff: noqa: T201 - printing is what the command is for

from __future__ import annotations

import argparse
import shlex

from sqlalchemy import Connection

from townhall.check.connection import reading
from townhall.commands.shared import add_url, chosen_database, render, this_program
from townhall.commands.state import describe_objects, describe_revision, describe_server
from townhall.ini import default_ini
from townhall.migrate.origins.unfinished import read_unfinished
from townhall.printing import printable
from townhall.terminal import labelled

add_arguments = add_url

_WIDTH = 10  # of the column of labels


def status(options: argparse.Namespace) -> int:
    """Print where the database is, its revision, and how many objects it has."""
    database = chosen_database(options)
    with reading(database) as connection:
        lines = {
            "Database": render(database),
            "Server": describe_server(connection),
            "Revision": describe_revision(connection, default_ini()),
            "Objects": describe_objects(connection),
            **_unfinished(connection),
            "Prompt": f"{shlex.quote(this_program())} psql" + (" --url …" if options.url else ""),
        }
    for name, line in lines.items():
        print(labelled(name, _WIDTH, printable(line)))
    return 0


def _unfinished(connection: Connection) -> dict[str, str]:
    found = read_unfinished(connection)
    if not found:
        return {}
    names = ", ".join(map(str, found))
    return {"Not valid": f"{names}: an adoption was interrupted; run it again"}
