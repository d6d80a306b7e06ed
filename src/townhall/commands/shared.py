"""What several commands need: the URL as every client reads it, and the name of the program."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sqlalchemy import URL

from townhall.configuration import database_of
from townhall.ini import default_ini


def add_url(parser: argparse.ArgumentParser) -> None:
    """Add the option ``--url`` to the parser of a command."""
    parser.add_argument("--url", help="the database, in place of the default")


def chosen_database(options: argparse.Namespace) -> URL:
    """Return the URL of the database that a command works on."""
    return database_of(options.url, default_ini())


def render(database: URL, *, hide_password: bool = True) -> str:
    """Return the URL in the form that every client of PostgreSQL reads.

    libpq reads no plus as a space and accepts no name of a driver.

    Args:
        database: The URL.
        hide_password: Whether the password is replaced.
    """
    plain = database.set(drivername="postgresql")
    place, mark, query = plain.render_as_string(hide_password=hide_password).partition("?")
    return place + mark + query.replace("+", "%20").replace("%2F", "/")


def this_program() -> str:
    """Return the path of this program, relative to the working directory if it is below it."""
    script = Path(sys.executable).with_name("townhall")
    here = Path.cwd()
    is_below = script.is_file() and script.is_relative_to(here)
    return str(script.relative_to(here)) if is_below else "townhall"
