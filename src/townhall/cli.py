"""The command line: a database's URL and state, psql, the embedded server, pictures."""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import sys
from configparser import Error as ConfigError
from typing import TYPE_CHECKING

from townhall.ini import default_ini, describe_config_error
from townhall.input_error import InputError
from townhall.termination import FAILED, run_to_end

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "url": (
        "townhall.commands.url",
        "Print the URL of the database that a command would use.",
    ),
    "psql": (
        "townhall.commands.psql",
        "Open psql on the database; further arguments are passed to psql.",
    ),
    "status": (
        "townhall.commands.status",
        "Print where the database is, its revision, and how many objects it has.",
    ),
    "check": (
        "townhall.check.command",
        "Report every difference between a database and its revisions; the database is only read.",
    ),
    "adopt": (
        "townhall.adopt.command",
        "Look what has to be done before a database can be taken over, or take it over.",
    ),
    "pull": (
        "townhall.pull.command",
        "Write the schema of a database as models and entities, with a first revision.",
    ),
    "init": (
        "townhall.init.command",
        "Write the first files of an application: alembic.ini, env.py, conftest.py and a package.",
    ),
    "diagram": (
        "townhall.commands.diagram",
        "Draw the declared tables with their columns and foreign keys.",
    ),
    "matrix": (
        "townhall.commands.matrix",
        "Show who may read and write what, with the condition of each command in words.",
    ),
    "serve": (
        "townhall.commands.serve",
        "Run the embedded server until Ctrl-C, and print its URL.",
    ),
}
"""Each command, with the module that is loaded when it is given, and what it does."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status.

    Args:
        arguments: The arguments after the program's name; None for those of this process.

    Raises:
        SystemExit: The arguments are wrong, or ask for help.
    """
    return run_to_end(lambda: _run(sys.argv[1:] if arguments is None else arguments))


def _run(arguments: Sequence[str]) -> int:
    parser = _parser(arguments)
    options, rest = parser.parse_known_args(arguments)
    if options.name is None:
        parser.print_help(sys.stderr)
        return FAILED
    if options.name == "psql":
        options.arguments = rest
    elif rest:
        options.usage.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        status: int = options.command(options)
    except ConfigError as error:
        ini = getattr(options, "config", None) or default_ini()
        raise InputError(describe_config_error(error, ini)) from None
    return status


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="townhall",
        description="The database is the first that is named: by --url, by DATABASE_URL, by"
        " sqlalchemy.url of alembic.ini; else it is the embedded server in .townhall.",
    )
    version = importlib.metadata.version("townhall")
    parser.add_argument("--version", action="version", version=f"townhall {version}")
    commands = parser.add_subparsers(metavar="command", dest="name")
    # No option before the command takes a value.
    given = next((each for each in arguments if not each.startswith("-")), None)
    for name, (module, summary) in COMMANDS.items():
        subparser = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        if name == given:
            command = importlib.import_module(module)
            command.add_arguments(subparser)
            subparser.set_defaults(command=getattr(command, name), usage=subparser)
    return parser
