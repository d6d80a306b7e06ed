"""The command ``townhall url``."""
# ruff: noqa: T201 - printing is what the command is for

from __future__ import annotations

import argparse
import sys

from townhall import embedded
from townhall.commands.shared import add_url, chosen_database, render, this_program

add_arguments = add_url


def url(options: argparse.Namespace) -> int:
    """Print the URL of the database that a command would use."""
    database = chosen_database(options)
    print(render(database, hide_password=False))
    if embedded.joined():
        print(
            "The embedded server runs only while a command uses it;"
            f" {this_program()} serve keeps it up.",
            file=sys.stderr,
        )
    return 0
